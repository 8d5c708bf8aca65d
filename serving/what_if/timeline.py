"""What a bank has decided in a period, in the order of time: parts of nights, and single decisions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.errors import NotFoundError, StateError
from records.decision_log import DecisionLog, LoggedDecision
from serving.batch.part import FEATURES, OFFERS, logged_part_file

SINGLES_TOGETHER: Final = 500
"""Single decisions of a bundle, whose records are read together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPart:
    """A part of a batch run.

    Attributes:
        name: Run and part, such as `2026-06-24-ab12/bucket-003`.
        seed: Seed of the run's draws.
        versions: Versions of everything that took part.
    """

    name: str
    seed: int
    versions: Mapping[str, str]


Single = tuple[str, str]
"""Ids of a decision and of its customer."""


def timeline(logged: pa.Table, customers: Collection[str], folder: Path) -> list[tuple[int, NightPart | list[Single]]]:
    """Return parts of nights and bundles of single decisions, earliest first.

    Args:
        logged: Decisions of a period, as `DecisionLog.between` returns them.
        customers: Ids of those whose single decisions are wanted.
        folder: Folder that holds one folder per batch run.

    Returns:
        The moment of each in microseconds since 1970, and the part or the bundle.
    """
    nights = logged.filter(pc.is_valid(logged["part"])).select(["as_of", "part", "seed", "content"]).to_pylist()
    parts: dict[str, tuple[int, NightPart]] = {}
    for row in nights:
        run = Path(row["part"]).parent
        # parts of the run that offered nothing are not in the log
        others = (file.stem for file in (folder / run / FEATURES).glob("*.parquet"))
        for name in [*(f"{run}/{other}" for other in others), row["part"]]:
            if name not in parts:
                part = NightPart(name=name, seed=row["seed"], versions=json.loads(row["content"]))
                parts[name] = (row["as_of"], part)
    single = logged.filter(pc.is_null(logged["part"])).select(["as_of", "decision_id", "customer_id"]).to_pylist()
    rows: list[tuple[int, NightPart | Single]] = [*parts.values()]
    rows += [
        (row["as_of"], (row["decision_id"], row["customer_id"])) for row in single if row["customer_id"] in customers
    ]
    rows.sort(key=lambda row: (row[0], isinstance(row[1], tuple)))
    found: list[tuple[int, NightPart | list[Single]]] = []
    for are_singles, group in groupby(rows, key=lambda row: isinstance(row[1], tuple)):
        members = list(group)
        if are_singles:
            for start in range(0, len(members), SINGLES_TOGETHER):
                bundle = members[start : start + SINGLES_TOGETHER]
                found.append((bundle[0][0], [one for _, one in bundle if isinstance(one, tuple)]))
        else:
            found += [(at, one) for at, one in members if isinstance(one, NightPart)]
    return found


def with_records(decision_log: DecisionLog, singles: Sequence[Single]) -> Iterator[tuple[str, LoggedDecision | None]]:
    """Yield customers with their decisions in the given order; None for one that is neither in log nor archive."""
    there = {one.decision_id: one for one in decision_log.with_ids([decision for decision, _ in singles])}
    for decision, customer in singles:
        found = there.get(decision)
        if found is None:
            try:
                found = decision_log.get(decision)
            except NotFoundError:
                found = None
        yield customer, found


def offered_in_part(folder: Path, part: str) -> Iterator[tuple[str, str, str, int]]:
    """Return customer, channel, offer and rank of everything that a part of a night offered.

    Raises:
        StateError: The file is gone.
    """
    columns = ["customer_id", "channel", "offer", "rank"]
    try:
        table = pq.read_table(logged_part_file(folder, OFFERS, part), columns=columns)
    except (OSError, pa.ArrowInvalid) as error:
        raise StateError("the offers of a night are gone", got=str(error)) from error
    texts = [table[column].cast(pa.string()).to_pylist() for column in columns[:3]]
    return zip(*texts, table["rank"].to_pylist(), strict=True)
