"""Decisions for one bucket of customers, on this machine or a cluster: files in, files out.

This module does without Prefect, Feast, MLflow and a database, so that a cluster's workers start quickly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from config.bank import Bank
from decisioning.engine import DecisionContext
from decisioning.reporting.json_counts import json_counts
from domain.errors import StateError
from events.log import EventLog
from events.segments import empty_table
from features.bucket.current import MidnightFeatures
from features.bucket.work import part_name
from features.engines.engine import Report
from features.store.state_files import StateFiles
from features.table import FeatureTable
from serving.batch.option_files import option_file
from serving.batch.part import FEATURES, OFFERS, REJECTIONS, WISHES, decide_part, part_file, write_contact_options
from serving.champion_files import ChampionFiles
from serving.decider import Decider
from storage.atomic import replace_text

NOTES = "notes"
"""Subfolder of a run with the report of each finished bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideWork:
    """One bucket: what to read, what to decide with, and where to write it. Small and complete, to be sent to workers.

    Attributes:
        bucket: Number of the bucket.
        key: Digest of everything that the files depend on.
        bank: The bank.
        as_of: The local midnight decided for.
        log: Folder of the event log; every worker sees this and the folders below under the same name.
        states: Files of the states of midnight.
        champions: The models and their files.
        folder: Folder of the run.
        seed: Seed of random draws.
        prices: Price of one unit of each budget.
        remaining: Remaining amount of each budget.
        contacts: Contacts of the bucket's customers that states and log of the midnight do not have, as events.
        num_threads: Threads for the models.
    """

    bucket: int
    key: str
    bank: Bank
    as_of: datetime
    log: Path
    states: StateFiles
    champions: ChampionFiles
    folder: Path
    seed: int
    prices: Mapping[str, float]
    remaining: Mapping[str, float]
    contacts: pa.Table = field(default_factory=empty_table)
    num_threads: int = 1

    @property
    def name(self) -> str:
        """Name of the bucket's files."""
        return part_name(self.bucket)

    @property
    def note(self) -> Path:
        """File of the report, written when all other files exist."""
        return self.folder / NOTES / f"{self.name}.json"

    def done(self) -> Report | None:
        """Return the report if all files exist and are up to date, else None.

        Raises:
            StateError: The note is damaged.
        """
        if not self.note.exists():
            return None
        try:
            report: Report = json.loads(self.note.read_text(encoding="utf-8"))
            complete = report["key"] == self.key and all((self.folder / file).exists() for file in report["files"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StateError(
                f"the note of {self.name} cannot be read", got=str(error), remedy=f"remove {self.note}"
            ) from error
        return report if complete else None


def decide_bucket_files(work: DecideWork) -> Report:
    """Decide for one bucket in all channels; write offers, rejections, features and, for outbound channels, options.

    Returns:
        Number and key of the bucket; counts of customers, decisions, offers and customers computed from the log;
        funnel, summary and forensics as `json_counts` writes them; calls of models beside the champions; and the files.
        Without customers, the counts of decisions are left out.
    """

    def decide(decider: Decider, features: FeatureTable) -> dict[str, Any]:
        decider.beside.calls.take()  # what the search for prices called for counts for nothing
        result = decide_part(
            decider,
            features,
            DecisionContext(as_of=work.as_of, seed=work.seed, prices=work.prices, remaining=work.remaining),
            folder=work.folder,
            part=work.name,
        )
        files = [part_file(work.folder, content, work.name) for content in (OFFERS, REJECTIONS, FEATURES)]
        if decider.policy.outbound:
            files.append(option_file(work.folder / WISHES, work.name))
        return {
            "decisions": result.decisions,
            "offers": result.offers,
            "funnel": json_counts(result.funnel),
            "summary": json_counts(result.summary),
            "forensics": json_counts(result.forensics),
            "calls": {version: asdict(calls) for version, calls in decider.beside.calls.take().items()},
            "files": [str(file.relative_to(work.folder)) for file in files],
        }

    return _done(work, decide)


def gather_bucket_options(work: DecideWork) -> Report:
    """Decide for one bucket without prices, and write the contact options.

    Returns:
        Number and key of the bucket, counts of customers and of customers computed from the log, and the file.
    """

    def gather(decider: Decider, features: FeatureTable) -> dict[str, Any]:
        write_contact_options(
            decider,
            features,
            DecisionContext(as_of=work.as_of, seed=work.seed, remaining=work.remaining),
            folder=work.folder,
            part=work.name,
        )
        return {"files": [option_file(work.folder, work.name).name]}

    return _done(work, gather)


def _done(work: DecideWork, do: Callable[[Decider, FeatureTable], dict[str, Any]]) -> Report:
    """Call `do` for the bucket's customers, if there are any, and write the report."""
    features, recomputed = MidnightFeatures(work.bank.feature_definitions, EventLog(work.log), work.states).of_bucket(
        work.bucket, work.as_of, contacts=work.contacts
    )
    report: Report = {"bucket": work.bucket, "key": work.key, "customers": len(features), "recomputed": recomputed}
    if len(features):
        report |= do(work.champions.decider(work.bank, num_threads=work.num_threads), features)
    else:
        report["files"] = []
    text = json.dumps(report)
    try:
        replace_text(work.note, text)
    except OSError as error:
        raise StateError(
            f"the note of {work.name} could not be written to {work.folder}",
            got=error.strerror or str(error),
            remedy="free space or give write access, then decide again",
        ) from error
    # the same types as when the note is read later
    found: Report = json.loads(text)
    return found
