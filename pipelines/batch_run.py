"""A batch run over all buckets with the bank's engine; finished buckets are not repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from decisioning.allocation.problem import Keys
from domain.pause import Pause
from events.fingerprints import bucket_of
from events.schema import one_chunk
from events.segments import empty_table
from features.engines.engine import Report
from pipelines.bucket_reports import reports_of
from pipelines.steps import digest_of, retried_task
from serving.batch.bucket import DecideWork, decide_bucket_files, gather_bucket_options
from serving.champion_files import ChampionFiles
from serving.service.deciding import SEED
from storage.atomic import remove_unfinished
from wiring.components import Components, components_of

LONGEST_SECONDS = 4 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRun:
    """The inputs that all buckets of a batch run share.

    Attributes:
        run: Digest of everything that decisions depend on.
        as_of: The local midnight decided for.
        champions: The models and their files.
        folder: Folder of the results.
        prices: Price of one unit of each budget.
        remaining: Remaining amount of each budget.
        contacts: Contacts that states and log of the midnight do not have (`records.open_contacts`).
        pauses: Pauses in force.
        contacted: Hashes of the customers whom an earlier plan of this night has reached.
    """

    run: str
    as_of: datetime
    champions: ChampionFiles
    folder: Path
    prices: Mapping[str, float] = field(default_factory=dict)
    remaining: Mapping[str, float] = field(default_factory=dict)
    contacts: pa.Table = field(default_factory=empty_table)
    pauses: tuple[Pause, ...] = ()
    contacted: Keys = field(default_factory=lambda: np.empty(0, np.uint64))

    def works(self, components: Components) -> list[DecideWork]:
        """List the work, one piece per bucket."""
        buckets = bucket_of(one_chunk(self.contacts["customer_id"]), components.log.buckets)
        bank = replace(components.bank, pauses=self.pauses)
        return [
            DecideWork(
                bucket=bucket,
                key=digest_of(self.run, bucket, self.prices, self.remaining),
                bank=bank,
                as_of=self.as_of,
                log=components.places.log,
                states=components.states,
                champions=self.champions,
                folder=self.folder,
                seed=SEED,
                prices=self.prices,
                remaining=self.remaining,
                contacts=self.contacts.filter(pa.array(buckets == bucket)),
            )
            for bucket in range(components.log.buckets)
        ]


@retried_task("what-could-be-sent-to-buckets", timeout_seconds=LONGEST_SECONDS)
def gather_options(bank_folder: str, night: BatchRun) -> list[Report]:
    """Decide for every bucket without prices, and write the contact options."""
    return _reports(components_of(bank_folder), night, gather_bucket_options, "what could be sent")


@retried_task("decide-for-buckets", timeout_seconds=LONGEST_SECONDS)
def decide_buckets(bank_folder: str, night: BatchRun) -> list[Report]:
    """Decide for every bucket in all channels."""
    return _reports(components_of(bank_folder), night, decide_bucket_files, "decide for everybody")


def _reports(
    components: Components, night: BatchRun, work: Callable[[DecideWork], Report], description: str
) -> list[Report]:
    """Do the work of unfinished buckets, each on as many threads as the engine gives it."""

    def on_threads(piece: DecideWork, threads: int) -> DecideWork:
        return replace(piece, num_threads=threads)

    reports = reports_of(components, night.works(components), work, description, on_threads)
    remove_unfinished(night.folder)
    return reports
