"""The stage process: at each midnight of a fixed grid, a customer stays in a stage or enters another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expressions.expression import Expression, compile_expression
from expressions.types import Array
from features.building.draft import MOMENT_INPUTS
from features.building.journeys import DAYS_IN_STAGE, PREVIOUS_STAGE, STAGE, STAGES
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.compiled_features import CompiledFeatures, compile_features
from features.inputs import coded_moments, history_of
from features.journey.settings import Journey
from features.kernel.arrays import BoolArray, Int64Array, Int64Matrix, spread
from features.kernel.gather import gather
from features.kernel.history import CodedMoments, History
from features.kernel.timeline import Timeline
from features.moments import Moments, utc_microseconds

GRID_BEGINS: Final = date(2001, 1, 1)
MOMENTS_AT_ONCE: Final = 200_000
"""Limits the memory of the grid to a few tens of megabytes."""
NO_STAGE: Final = -1


@dataclass(frozen=True, slots=True)
class StageChanges:
    """Entries into stages, ordered by customer and time.

    Attributes:
        customer: Customer codes of the history.
        day: Local day at whose midnight the customer entered.
        stage: Position in `STAGES`.
        previous: Position of the previous stage, or NO_STAGE.
    """

    customer: Int64Array
    day: Int64Array
    stage: Int64Array
    previous: Int64Array

    def at(self, customer: Int64Array, day: Int64Array) -> StageChanges:
        """Find the stage that each customer is in on a day; NO_STAGE and day 0 for none."""
        if not len(self.customer):
            nothing = np.full(len(customer), NO_STAGE, dtype=np.int64)
            return StageChanges(customer, np.zeros(len(customer), dtype=np.int64), nothing, nothing)
        last = Timeline(self.customer, self.day).position(customer, day + 1) - 1
        found = (last >= 0) & (self.customer[last] == customer)
        return StageChanges(
            customer,
            np.where(found, self.day[last], 0),
            np.where(found, self.stage[last], NO_STAGE),
            np.where(found, self.previous[last], NO_STAGE),
        )

    def take(self, rows: Int64Array) -> StageChanges:
        """Select changes by position."""
        return StageChanges(self.customer[rows], self.day[rows], self.stage[rows], self.previous[rows])

    def in_order(self) -> StageChanges:
        """Sort changes by customer and time."""
        return self.take(np.lexsort((self.day, self.customer)))

    @classmethod
    def together(cls, parts: Sequence[StageChanges]) -> StageChanges:
        """Concatenate changes."""
        nothing = np.zeros(0, dtype=np.int64)
        names = ("customer", "day", "stage", "previous")
        return cls(*(np.concatenate([nothing, *(getattr(part, name) for part in parts)]) for name in names))

    def columns(self, day: Int64Array) -> dict[str, Array]:
        """Convert stages found by `at` to features of moments on these local days."""
        known = self.stage != NO_STAGE
        return {
            STAGE: np.where(known, self.stage, np.nan),
            PREVIOUS_STAGE: np.where(self.previous != NO_STAGE, self.previous, np.nan),
            DAYS_IN_STAGE: np.where(known, day - self.day, np.nan),
        }


def stages_at(
    history: History,
    moments: CodedMoments,
    catalogue: FeatureCatalogue,
    journey: Journey,
    known: pa.Table | None = None,
) -> dict[str, Array]:
    """Compute the three stage features of moments, which must be ordered by customer.

    Args:
        known: The customers' `stage_history` up to the last moment or later; if None, the process runs.
    """
    changes = stage_changes(history, moments, catalogue, journey) if known is None else _known(known, history)
    return changes.at(moments.customer, moments.day).columns(moments.day)


def _known(table: pa.Table, history: History) -> StageChanges:
    return read_history(table, history.columns.customer_ids, history.calendar)


def stage_history(
    events: pa.Table,
    until: datetime | np.datetime64,
    definitions: FeatureDefinitions,
) -> pa.Table:
    """List the stages of every customer in the events, up to a moment and from what was visible then.

    Returns:
        Columns customer_id, stage, entered_at, left_at (null for the current stage), previous_stage; ordered by
        customer and time.
    """
    moment = utc_microseconds(until)
    history = history_of(events, definitions.calendar, before=moment)
    ids = history.columns.customer_ids
    moments = coded_moments(history, Moments.at(ids.to_numpy(zero_copy_only=False), moment))
    return written_history(
        stage_changes(history, moments, definitions.catalogue, definitions.journey), ids, definitions.calendar
    )


def written_history(changes: StageChanges, customer_ids: pa.Array, calendar: Calendar) -> pa.Table:
    """Convert changes to the table of `stage_history`; customers are positions in `customer_ids`."""
    entered = calendar.beginning(changes.day)
    followed = np.append(np.diff(changes.customer) == 0, False)[: len(entered)]
    left = np.where(followed, np.append(entered[1:], 0)[: len(entered)], 0)
    names = pa.array(STAGES.values, pa.string())
    return pa.table(
        {
            "customer_id": customer_ids.take(pa.array(changes.customer)),
            "stage": names.take(pa.array(changes.stage)),
            "entered_at": pa.array(entered, pa.timestamp("us", "UTC")),
            "left_at": pa.array(left, pa.timestamp("us", "UTC"), mask=~followed),
            "previous_stage": names.take(pa.array(changes.previous, mask=changes.previous == NO_STAGE)),
        }
    )


def read_history(known: pa.Table, customer_ids: pa.Array, calendar: Calendar) -> StageChanges:
    """Convert a `stage_history` table to changes, with customers as positions in `customer_ids`."""
    names = pa.array(STAGES.values, pa.string())

    def positions(column: str) -> Int64Array:
        found = pc.index_in(known.column(column), value_set=names).fill_null(NO_STAGE)
        return np.asarray(found.to_numpy(), dtype=np.int64)

    # customers without events in a history share one code there, and are in no stage
    known = known.filter(pc.is_in(known.column("customer_id"), value_set=customer_ids))
    found = pc.index_in(known.column("customer_id"), value_set=customer_ids)
    customer = np.asarray(found.to_numpy(), dtype=np.int64)
    day = calendar.day_index(known.column("entered_at").cast(pa.int64()).to_numpy())
    return StageChanges(customer, day, positions("stage"), positions("previous_stage")).in_order()


def stage_changes(
    history: History, moments: CodedMoments, catalogue: FeatureCatalogue, journey: Journey
) -> StageChanges:
    """Run the process for each customer, from their first visible event to their last moment."""
    columns, every = history.columns, journey.evaluate_every_days
    parts: list[StageChanges] = []
    if len(columns) and journey.stages:
        customers, first_row = np.unique(moments.customer, return_index=True)
        last_day = np.maximum.reduceat(moments.day, first_row)
        with_events = customers < len(columns.customer_ids)
        customers, last_day = customers[with_events], last_day[with_events]
        first_seen = np.minimum.reduceat(columns.available, columns.starts[:-1])[customers]
        # visible from the next midnight on; then on to the grid
        first_day = history.calendar.day_index(first_seen) + 1
        first_day += (history.calendar.day_of(GRID_BEGINS) - first_day) % every
        steps = np.maximum((last_day - first_day) // every + 1, 0)
        grids = [_Grid(customers[part], first_day[part], steps[part]) for part in _chunks(steps)]
        parts += [_run(history, grid, catalogue, journey) for grid in grids]
    return StageChanges.together(parts)


def _chunks(steps: Int64Array) -> Iterator[slice]:
    """Split customers into runs with about `MOMENTS_AT_ONCE` grid moments each."""
    chunk = np.cumsum(steps) // MOMENTS_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(steps)]
    for start, end in pairwise(cuts):
        if end > start:
            yield slice(start, end)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Midnights at which customers' stages are evaluated: a first day and a number of steps for each customer."""

    customers: Int64Array
    first_day: Int64Array
    steps: Int64Array


def _run(history: History, run: _Grid, catalogue: FeatureCatalogue, journey: Journey) -> StageChanges:
    customers, first_day, steps = run.customers, run.first_day, run.steps
    owner, step = spread(np.zeros_like(steps), steps)
    day = first_day[owner] + step * journey.evaluate_every_days
    grid = CodedMoments(customers[owner], history.calendar.beginning(day), day)
    chosen = _first_that_holds(history, grid, catalogue, journey)
    stage_of = np.array([STAGES.values.index(condition.stage.value) for condition in journey.stages])
    stays = np.array([condition.minimum_days for condition in journey.stages])
    starts = np.cumsum(steps) - steps
    current = np.full(len(customers), NO_STAGE, dtype=np.int64)
    entered = np.zeros(len(customers), dtype=np.int64)
    minimum = np.zeros(len(customers), dtype=np.int64)
    changes: list[tuple[Int64Array, Int64Array, Int64Array, Int64Array]] = []
    # longest first, so that the customers who still have steps are always at the front
    longest_first = np.argsort(-steps, kind="stable")
    going_at = np.searchsorted(-steps[longest_first], -np.arange(int(steps.max(initial=0))), side="left")
    for number, going in enumerate(going_at.tolist()):
        who = longest_first[:going]
        rows = starts[who] + number
        condition, today = chosen[rows], day[rows]
        stage = np.where(condition >= 0, stage_of[condition], NO_STAGE)
        moving = enters(stage, current[who], today - entered[who], minimum[who])
        movers = who[moving]
        changes.append((movers, today[moving], stage[moving], current[movers]))
        current[movers], entered[movers] = stage[moving], today[moving]
        minimum[movers] = stays[condition[moving]]
    if not changes:
        changes.append((owner, day, day, day))
    who, when, to, previous = (np.concatenate(part) for part in zip(*changes, strict=True))
    order = np.lexsort((when, who))
    return StageChanges(customers[who[order]], when[order], to[order], previous[order])


def enters(stage: Int64Array, current: Int64Array, days: Int64Array, minimum_days: Int64Array) -> BoolArray:
    """Tell who enters a stage: its condition holds, it is not the current one, and that was held long enough."""
    free = (current == NO_STAGE) | (days >= minimum_days)
    entering: BoolArray = (stage != NO_STAGE) & (stage != current) & free
    return entering


def _first_that_holds(
    history: History, grid: CodedMoments, catalogue: FeatureCatalogue, journey: Journey
) -> Int64Array:
    program, conditions = conditions_of(catalogue, journey)
    kept = gather(program.plan, history, grid)
    return first_that_holds(program, conditions, kept, grid, history.calendar)


def first_that_holds(
    program: CompiledFeatures,
    conditions: Sequence[Expression],
    kept: Int64Matrix,
    moments: CodedMoments,
    calendar: Calendar,
) -> Int64Array:
    """Return the position of the first condition that holds at each moment; NO_STAGE if none does."""
    columns = program.columns(kept, moments, {}, calendar)
    chosen = np.full(len(moments.day), NO_STAGE, dtype=np.int64)
    for position in reversed(range(len(conditions))):
        chosen[np.broadcast_to(conditions[position].holds(columns), chosen.shape)] = position
    return chosen


@lru_cache(maxsize=16)
def conditions_of(catalogue: FeatureCatalogue, journey: Journey) -> tuple[CompiledFeatures, tuple[Expression, ...]]:
    """Compile the stage conditions and the features that they read."""
    schema = {**MOMENT_INPUTS, **catalogue.schema}
    conditions = tuple(compile_expression(condition.when, schema) for condition in journey.stages)
    names = sorted(frozenset[str]().union(*(condition.names for condition in conditions)))
    return compile_features(catalogue, tuple(names)), conditions
