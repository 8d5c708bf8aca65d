"""Continue the stage process from one midnight to the next with the states alone, without reading the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.building.journeys import STAGES
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.journey.lifecycle import (
    GRID_BEGINS,
    NO_STAGE,
    StageChanges,
    conditions_of,
    enters,
    first_that_holds,
    read_history,
    written_history,
)
from features.journey.settings import Journey
from features.kernel.arrays import BoolArray, Int64Matrix
from features.kernel.history import CodedMoments
from features.kernel.plan import Plan


def can_continue(journey: Journey) -> bool:
    """Tell whether the minimum days depend only on the stage, not on which of its conditions led there."""
    least: dict[str, int] = {}
    return all(
        least.setdefault(condition.stage.value, condition.minimum_days) == condition.minimum_days
        for condition in journey.stages
    )


def stand_at(
    standing: StageChanges,
    kept: Int64Matrix,
    plan: Plan,
    moments: CodedMoments,
    definitions: FeatureDefinitions,
) -> StageChanges:
    """Compute the stages of customers at a local midnight from those at the midnight before.

    Args:
        standing: Each customer's last change at the midnight before, for customers with visible events then.
        kept: What the plan keeps for each customer as of this midnight.
        plan: Plan of the whole catalogue, with mergeable days.
        moments: This midnight, for each customer.
        definitions: The bank's feature definitions.
    """
    catalogue, journey, calendar = definitions.catalogue, definitions.journey, definitions.calendar
    stage, previous, entered = standing.stage, standing.previous, standing.day
    days_since_grid = moments.day - calendar.day_of(GRID_BEGINS)
    if journey.stages and len(moments.day) and days_since_grid[0] % journey.evaluate_every_days == 0:
        program, conditions = conditions_of(catalogue, journey)
        chosen = first_that_holds(replace(program, plan=plan), conditions, kept, moments, calendar)
        names = [condition.stage.value for condition in journey.stages]
        # one more entry, so that NO_STAGE (-1) maps to itself
        stage_of = np.array([*map(STAGES.values.index, names), NO_STAGE])
        least = np.zeros(len(STAGES.values) + 1, dtype=np.int64)
        least[stage_of[:-1]] = [condition.minimum_days for condition in journey.stages]
        entering = enters(stage_of[chosen], stage, moments.day - entered, least[stage])
        previous = np.where(entering, stage, previous)
        stage = np.where(entering, stage_of[chosen], stage)
        entered = np.where(entering, moments.day, entered)
    # customers who are in no stage yet have today as their day of entry
    return StageChanges(standing.customer, np.where(stage == NO_STAGE, moments.day, entered), stage, previous)


def continued_history(
    known: pa.Table,
    changes: Sequence[StageChanges],
    computed: pa.Table,
    customer_ids: pa.Array,
    of_computed: BoolArray,
    calendar: Calendar,
) -> pa.Table:
    """Assemble the table that `stage_history` would return.

    Args:
        known: Its result up to a midnight.
        changes: Entries since then, with customers as positions in `customer_ids`.
        computed: Its current result for some customers.
        customer_ids: All customers, in order.
        of_computed: Mask of the customers in `computed`: their entries in `known` and `changes` are ignored.
        calendar: The bank's local days.
    """
    names = customer_ids.filter(pa.array(of_computed))
    same = computed.equals(known.filter(pc.is_in(known.column("customer_id"), value_set=names)))
    if same and not any(len(part.customer) for part in changes):
        return known  # on most nights nobody enters a stage
    before = [read_history(known, customer_ids, calendar), *changes]
    kept = [part.take(np.flatnonzero(~of_computed[part.customer])) for part in before]
    again = read_history(computed, customer_ids, calendar)
    return written_history(StageChanges.together([*kept, again]).in_order(), customer_ids, calendar)
