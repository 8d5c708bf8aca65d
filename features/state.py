"""Customers' state at midnight, which merges with the day's events to the features a recomputation would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, StateError
from features.building.journeys import DAYS_IN_STAGE, PREVIOUS_STAGE, STAGE
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue
from features.journey.lifecycle import NO_STAGE, StageChanges, stages_at
from features.journey.settings import Journey
from features.kernel.gather import gather, merge
from features.moments import Moments, utc_microseconds
from features.observation import coded_moments, history_of, moments_without_events
from features.program import program_of
from features.table import FeatureTable

STAGE_SLOTS = 3
"""After the kernel's numbers: stage, previous stage (positions, -1 for none) and the local day of entry."""


@dataclass(frozen=True, slots=True)
class States:
    """Everything that features need to know of n customers' past, as of one local midnight.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        matrix: Shape (n, slots), int64.
        midnight: Microseconds UTC.
        layout: Fingerprint of what the slots mean: `FeatureCatalogue.layout`.
    """

    customer_ids: NDArray[np.object_]
    matrix: NDArray[np.int64]
    midnight: int
    layout: str

    def __len__(self) -> int:
        return len(self.customer_ids)


def compute_states(
    events: pa.Table,
    customer_ids: Sequence[str] | NDArray[np.object_],
    midnight: datetime | np.datetime64,
    catalogue: FeatureCatalogue,
    journey: Journey,
    calendar: Calendar,
    stages: pa.Table | None = None,
) -> States:
    """Compute the state of customers at a local midnight.

    Args:
        events: All events of these customers; not changed.
        customer_ids: Whose; one without events gets the state of no history.
        midnight: Beginning of a local day, with what was available before.
        catalogue: The bank's features.
        journey: Its stages.
        calendar: Its local days.
        stages: `stage_history` of these customers up to the midnight or later, where it is known already.

    Raises:
        DataError: If the moment is not a local midnight.
    """
    moment = utc_microseconds(midnight)
    microseconds = np.array([moment.astype(np.int64)])
    if calendar.midnight(microseconds)[0] != microseconds[0]:
        raise DataError(
            "a state is of a local midnight", got=f"{moment} UTC", expected=f"a midnight in {calendar.zone}"
        )
    ids = np.asarray(customer_ids, dtype=object)
    program = program_of(catalogue, None, mergeable_days=True)
    history = history_of(events, calendar, before=moment)
    moments = coded_moments(history, Moments.at(ids, moment))
    order = np.argsort(moments.customer, kind="stable")
    in_order = moments.take(order)
    kept = gather(program.plan, history, in_order)
    in_stage = stages_at(history, in_order, catalogue, journey, stages)
    matrix = np.empty((len(ids), len(kept) + STAGE_SLOTS), dtype=np.int64)
    matrix[order, : len(kept)] = kept.T
    stage, previous = (np.nan_to_num(in_stage[name], nan=NO_STAGE) for name in (STAGE, PREVIOUS_STAGE))
    entered = in_order.day - np.nan_to_num(in_stage[DAYS_IN_STAGE], nan=0)
    matrix[order, len(kept) :] = np.column_stack([stage, previous, entered]).astype(np.int64)
    return States(ids, matrix, int(microseconds[0]), catalogue.layout)


def features_from_states(
    states: States,
    later_events: pa.Table,
    as_of: datetime | np.datetime64,
    catalogue: FeatureCatalogue,
    journey: Journey,  # the same arguments as compute_features, whose result this equals
    calendar: Calendar,
) -> FeatureTable:
    """Merge the state of midnight with what became available since; equals `compute_features` bit for bit.

    One exception: where distinct days are counted over more than 377 days, an event that comes more than 377 days
    late counts its day again if it had counted before.

    Args:
        states: Of the local midnight before `as_of`.
        later_events: At least the events that became available in `[midnight, as_of)`; more do no harm.
        as_of: A moment of the day that begins with the states' midnight.
        catalogue: The bank's features, of the states' layout.
        journey: Its stages.
        calendar: Its local days.

    Returns:
        All features of the catalogue, rows in the order of the states.

    Raises:
        StateError: If the states are of another layout or another day.
    """
    moment = utc_microseconds(as_of)
    program = program_of(catalogue, None, mergeable_days=True)
    _check(states, moment, len(program.plan.identity) + STAGE_SLOTS, catalogue.layout, calendar)
    later = _since(later_events, states.midnight) if len(later_events) else later_events
    history = history_of(later, calendar, before=moment) if len(later) else None
    asked = Moments.at(states.customer_ids, moment)
    moments = moments_without_events(asked, calendar) if history is None else coded_moments(history, asked)
    rows = len(program.plan.identity)
    matrix = states.matrix if len(states) else np.empty((0, rows + STAGE_SLOTS), dtype=np.int64)
    kept = np.ascontiguousarray(matrix[:, :rows].T)
    if history is not None and len(history.columns):
        kept = merge(program.plan, kept, history.listed(moments, program.plan.windows))
    stage, previous, entered = matrix[:, rows:].T
    stages = StageChanges(moments.customer, entered, stage, previous).columns(moments.day)
    columns = program.columns(kept, moments, stages, calendar)
    return FeatureTable(states.customer_ids, np.full(len(states), moment), columns, catalogue.schema)


def _since(events: pa.Table, midnight: int) -> pa.Table:
    limit = pa.scalar(midnight, pa.timestamp("us", "UTC"))
    return events.filter(pc.greater_equal(events.column("available_at"), limit))


def _check(states: States, moment: np.datetime64, slots: int, layout: str, calendar: Calendar) -> None:
    if states.layout != layout or (len(states) and states.matrix.shape[1] != slots):
        raise StateError(
            "states have another layout than these features",
            got=f"{states.layout} with {states.matrix.shape[1]} slots",
            expected=f"{layout} with {slots} slots",
            remedy="build the states again: features, journey or time zone have changed since",
        )
    today = int(calendar.midnight(np.array([moment.astype(np.int64)]))[0])
    if states.midnight != today:
        raise StateError(
            "states are not of the day of the moment",
            got=f"states of {np.datetime64(states.midnight, 'us')} for {moment}",
            expected=f"states of {np.datetime64(today, 'us')}",
            remedy="build features for that day first, or compute from the log",
        )
