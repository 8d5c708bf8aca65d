"""Where a bank has decided: features, requests, prices and budgets of logged decisions, to decide there again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.engine import DecisionContext
from domain.errors import StateError
from events.fingerprints import bucket_of
from events.log import EventLog
from expressions.types import Array
from features.compute import compute_features
from features.moments import Moments, utc_microseconds
from features.table import FeatureTable
from records.decision_log import LoggedDecision
from serving.batch.budget_state import budget_state_of
from serving.batch.part import FEATURES, logged_part_file
from serving.customer_features import Origin
from serving.decider import Decider
from serving.replay import features_of

T = TypeVar("T")
BudgetState = Mapping[str, Mapping[str, float | None]]
"""`prices` and `remaining` by budget."""


@dataclass(frozen=True, slots=True, eq=False)
class Occasion:
    """A moment at which decisions were made together.

    Attributes:
        rows: Their positions, shape (n,).
        features: The customers' features at that moment, n rows.
        context: Time, seed, channels, request, prices and rests of budgets.
        unknown: Whether nothing was known of the customers.
    """

    rows: NDArray[np.intp]
    features: FeatureTable
    context: DecisionContext
    unknown: bool


def occasions(logged: Sequence[LoggedDecision], decider: Decider, log: EventLog, folder: Path) -> Iterator[Occasion]:
    """Return where decisions were made: single ones one by one, those of a part and channel together.

    Features that the decider reads and the records lack are computed from the event log as of each decision. Decisions
    in channels that the decider's policy does not have are left out. Where nothing is kept, all features are computed,
    budgets are full and without prices, nothing was said in a request, and those of a channel and an hour of the
    bank's clock are decided together, as of the first of them.

    Args:
        logged: Decisions with a record, of a part of a batch run, or of which nothing is kept.
        decider: Who is to decide there.
        log: Event log.
        folder: Folder that holds one folder per batch run.

    Raises:
        StateError: Files of a batch run are gone.
    """
    added = _added_features(logged, decider, log, folder)

    def key(row: int) -> tuple[str, str, str]:
        one = logged[row]
        if one.part is not None:
            return (one.part, one.channel, "")
        if one.record is not None:
            return ("", one.channel, one.decision_id)
        return ("", one.channel, f"{one.as_of.astimezone(zone):%Y-%m-%dT%H%z}")

    zone, known = decider.bank.time_zone, set(decider.policy.candidates.by_channel)
    read: tuple[str, FeatureTable] | None = None  # the channels of a part follow each other
    for (part, channel, _), members in groupby(sorted(range(len(logged)), key=key), key=key):
        rows = np.array(list(members), dtype=np.intp)
        first = logged[rows[0]]
        if channel not in known:
            continue
        kept, state, request = _nothing_of([logged[row] for row in rows.tolist()]), {}, {}
        if first.record is not None:
            kept = features_of(first.record, decider.schema)
            state = {"prices": first.record.prices, "remaining": first.record.remaining}
            request = {n: v for n, v in first.record.request.items() if n in decider.bank.vocabulary.request}
        elif part:
            if read is None or read[0] != part:
                read = part, _table_of_part(folder, part, decider)
            kept = _customers_of_part(read[1], [logged[row].customer_id for row in rows.tolist()])
            state = budget_state_of((folder / part).parent)
        prices, remaining = _of_budgets(state, decider)
        context = DecisionContext(
            as_of=utc_microseconds(first.as_of),
            seed=first.seed,
            channels=[channel],
            request=request,
            prices=prices,
            remaining=remaining,
            at_once=not first.part,
        )
        table = _with(kept, {name: values[rows] for name, values in added.items()}, decider)
        yield Occasion(rows, table, context, first.features_from == Origin.NOTHING)


def night_of_part(
    folder: Path, part: str, customers: Collection[str], seed: int, decider: Decider, log: EventLog
) -> Occasion | None:
    """Return where a batch run decided for some customers of a part in all channels, what it offered nobody included.

    Args:
        folder: Folder that holds one folder per batch run.
        part: Run and part, such as `2026-06-24-ab12/bucket-003`.
        customers: Ids; those that the part does not have are left out.
        seed: Seed of the run's draws.
        decider: Who is to decide there.
        log: Event log.

    Returns:
        The occasion, whose rows are positions in the part; None if the part has none of the customers.

    Raises:
        StateError: The part's files are gone.
    """
    whole = _table_of_part(folder, part, decider)
    rows = np.flatnonzero([customer in customers for customer in whole.customer_ids.tolist()])
    if not len(rows):
        return None
    kept = whole.take(rows)
    missing = sorted(set(decider.features) - set(kept.columns))
    added = features_at(kept.customer_ids, kept.as_of, missing, decider.bank, log).columns if missing else {}
    prices, remaining = _of_budgets(budget_state_of((folder / part).parent), decider)
    context = DecisionContext(as_of=kept.as_of[0], seed=seed, prices=prices, remaining=remaining)
    return Occasion(rows, _with(kept, added, decider), context, unknown=False)


def _of_budgets(state: BudgetState, decider: Decider) -> tuple[dict[str, float], dict[str, float]]:
    """Return prices and rests of the budgets that the decider's policy has, where they are known."""
    budgets = {budget.budget.name for budget in decider.policy.budgets}
    prices, remaining = (
        {name: number for name, number in (state.get(kind) or {}).items() if name in budgets and number is not None}
        for kind in ("prices", "remaining")
    )
    return prices, remaining


def _with(kept: FeatureTable, added: Mapping[str, Array], decider: Decider) -> FeatureTable:
    columns = {**added, **kept.columns}
    return FeatureTable(kept.customer_ids, kept.as_of, columns, {name: decider.schema[name] for name in columns})


def features_at(
    customers: NDArray[np.object_], moments: NDArray[np.datetime64], names: Sequence[str], bank: Bank, log: EventLog
) -> FeatureTable:
    """Compute features from the event log, each row as of a moment of its own."""
    columns = {name: np.full(len(customers), np.nan) for name in names}
    buckets = bucket_of(pa.array(customers, pa.string()), log.buckets)
    for bucket in np.unique(buckets).tolist():
        rows = np.flatnonzero(buckets == bucket)
        there = Moments(customers[rows], moments[rows])
        found = compute_features(log.read_bucket(bucket), there, bank.feature_definitions, list(names))
        for name in names:
            columns[name][rows] = found.columns[name]
    return FeatureTable(customers, moments, columns, {name: bank.features.features[name].type for name in names})


def _added_features(
    logged: Sequence[LoggedDecision], decider: Decider, log: EventLog, folder: Path
) -> dict[str, Array]:
    """Compute the features that some record lacks, and all where nothing is kept; shape (n,) each, NaN elsewhere."""
    kept = {frozenset(one.record.features) for one in logged if one.record is not None}
    kept |= {
        frozenset(_of_part(folder, part, pq.read_schema).names) for part in {one.part for one in logged if one.part}
    }
    bare = np.array([one.record is None and one.part is None for one in logged], dtype=bool)
    lacking = sorted(set(decider.features) - frozenset.intersection(*kept)) if kept else []
    added: dict[str, Array] = {}
    for rows, names in ((np.flatnonzero(~bare), lacking), (np.flatnonzero(bare), decider.features)):
        if not len(rows) or not names:
            continue
        customers = np.array([logged[row].customer_id for row in rows.tolist()], dtype=object)
        moments = np.array([utc_microseconds(logged[row].as_of) for row in rows.tolist()])
        for name, values in features_at(customers, moments, names, decider.bank, log).columns.items():
            added.setdefault(name, np.full(len(logged), np.nan))[rows] = values
    return added


def _of_part(folder: Path, part: str, read: Callable[[Path], T]) -> T:
    path = logged_part_file(folder, FEATURES, part)
    try:
        return read(path)
    except OSError as error:
        raise StateError(
            "the features of logged decisions are gone",
            got=error.strerror or str(error),
            expected=f"the file {path}",
            remedy="restore the files of the run from an archive",
        ) from error


def _nothing_of(decisions: Sequence[LoggedDecision]) -> FeatureTable:
    customers = np.array([one.customer_id for one in decisions], dtype=object)
    return FeatureTable(customers, np.array([utc_microseconds(one.as_of) for one in decisions]), {}, {})


def _customers_of_part(whole: FeatureTable, customers: Sequence[str]) -> FeatureTable:
    places = {customer: place for place, customer in enumerate(whole.customer_ids.tolist())}
    return whole.take(np.array([places[customer] for customer in customers], dtype=np.intp))


def _table_of_part(folder: Path, part: str, decider: Decider) -> FeatureTable:
    table = _of_part(folder, part, pq.read_table)
    there = set(table.column_names)
    schema = {feature: decider.schema[feature] for feature in decider.features if feature in there}
    return FeatureTable.from_arrow(table, schema)
