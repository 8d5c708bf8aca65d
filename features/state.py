"""Customers' states at midnight. Merged with the day's events, they give the same features as a full computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, StateError
from features.building.journeys import DAYS_IN_STAGE, PREVIOUS_STAGE, STAGE
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compiled_features import compile_features
from features.inputs import coded_moments, history_of, moments_without_events
from features.journey.lifecycle import NO_STAGE, StageChanges, stages_at
from features.kernel.gather import gather, merge
from features.moments import Moments, utc_microseconds
from features.table import FeatureTable

STAGE_SLOTS = 3
"""Slots after the kernel's numbers: stage, previous stage (positions, -1 for none) and the local day of entry."""


@dataclass(frozen=True, slots=True)
class States:
    """Everything that features need of the past of n customers, as of one local midnight.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        matrix: Shape (n, slots), int64; fastest if each slot is contiguous in memory.
        midnight: Microseconds UTC.
        layout: Fingerprint of the meaning of the slots: `FeatureCatalogue.layout`.
    """

    customer_ids: NDArray[np.object_]
    matrix: NDArray[np.int64]
    midnight: int
    layout: str

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: NDArray[np.int64]) -> States:
        """Select customers by position; one may be selected more than once."""
        return States(self.customer_ids[rows], self.matrix[rows], self.midnight, self.layout)

    @property
    def kept(self) -> NDArray[np.int64]:
        """The kernel's numbers, shape (rows of the plan, n)."""
        return np.ascontiguousarray(self.matrix[:, :-STAGE_SLOTS].T)

    def standing(self) -> StageChanges:
        """Return each customer's entry into their current stage, with customers numbered by position."""
        stage, previous, entered = self.matrix[:, -STAGE_SLOTS:].T
        return StageChanges(np.arange(len(self), dtype=np.int64), entered, stage, previous)


def compute_states(
    events: pa.Table,
    customer_ids: Sequence[str] | NDArray[np.object_],
    midnight: datetime | np.datetime64,
    definitions: FeatureDefinitions,
    stages: pa.Table | None = None,
) -> States:
    """Compute the state of customers at a local midnight.

    Args:
        events: All events of these customers; not changed.
        customer_ids: The customers; one without events gets the state of an empty history.
        midnight: Beginning of a local day; only what was available before it counts.
        definitions: The bank's feature definitions.
        stages: `stage_history` of these customers up to the midnight or later, if already known.

    Raises:
        DataError: If the moment is not a local midnight.
    """
    catalogue, calendar = definitions.catalogue, definitions.calendar
    moment = utc_microseconds(midnight)
    microseconds = np.array([moment.astype(np.int64)])
    if calendar.midnight(microseconds)[0] != microseconds[0]:
        raise DataError(
            "a state must be of a local midnight",
            got=f"{moment} UTC",
            expected=f"a midnight in {calendar.zone}",
        )
    ids = np.asarray(customer_ids, dtype=object)
    program = compile_features(catalogue, None, mergeable_days=True)
    history = history_of(events, calendar, before=moment)
    moments = coded_moments(history, Moments.at(ids, moment))
    order = np.argsort(moments.customer, kind="stable")
    in_order = moments.take(order)
    kept = gather(program.plan, history, in_order)
    in_stage = stages_at(history, in_order, catalogue, definitions.journey, stages)
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
    definitions: FeatureDefinitions,
) -> FeatureTable:
    """Merge the state of midnight with what became available since; the result equals `compute_features` bit for bit.

    One exception: where distinct days are counted over more than 377 days, an event that arrives more than 377 days
    late counts its day again if the day had counted before.

    Args:
        states: States of the local midnight before `as_of`.
        later_events: At least the events that became available in `[midnight, as_of)`; more do no harm.
        as_of: A moment of the day that begins with the states' midnight.
        definitions: The bank's feature definitions, with the states' layout.

    Returns:
        All features of the catalogue, rows in the order of the states.

    Raises:
        StateError: If the states have a different layout or are of another day.
    """
    as_of_each = np.full(len(states), utc_microseconds(as_of))
    return features_at(states, later_events, as_of_each, definitions)


def features_at(
    states: States,
    later_events: pa.Table,
    as_of: NDArray[np.datetime64],
    definitions: FeatureDefinitions,
) -> FeatureTable:
    """Merge as `features_from_states` does, but each state with what became available before a moment of its own.

    Args:
        as_of: Moments of the day that begins with the states' midnight, shape (n,).
    """
    catalogue, calendar = definitions.catalogue, definitions.calendar
    program = compile_features(catalogue, None, mergeable_days=True)
    slots = len(program.plan.identity) + STAGE_SLOTS
    _check(states, as_of, slots, catalogue.layout, calendar)
    if not len(states):
        states = replace(states, matrix=np.empty((0, slots), dtype=np.int64))
    latest = as_of.max() if len(as_of) else np.datetime64(states.midnight, "us")
    later = since(later_events, states.midnight) if len(later_events) else later_events
    history = history_of(later, calendar, before=latest) if len(later) else None
    requested = Moments(states.customer_ids, as_of)
    moments = moments_without_events(requested, calendar) if history is None else coded_moments(history, requested)
    kept = states.kept
    if history is not None and len(history.columns):
        kept = merge(program.plan, kept, history.listed(moments, program.plan.windows))
    columns = program.columns(kept, moments, states.standing().columns(moments.day), calendar)
    return FeatureTable(states.customer_ids, as_of, columns, catalogue.schema)


def since(events: pa.Table, midnight: int) -> pa.Table:
    """Leave out events that were available before a midnight, in microseconds UTC."""
    limit = pa.scalar(midnight, pa.timestamp("us", "UTC"))
    return events.filter(pc.greater_equal(events.column("available_at"), limit))


def _check(states: States, as_of: NDArray[np.datetime64], slots: int, layout: str, calendar: Calendar) -> None:
    if states.layout != layout or (len(states) and states.matrix.shape[1] != slots):
        raise StateError(
            "states have a different layout from these features",
            got=f"{states.layout} with {states.matrix.shape[1]} slots",
            expected=f"{layout} with {slots} slots",
            remedy="build the states again: features, journey or time zone have changed",
        )
    today = calendar.midnight(as_of.astype("datetime64[us]").astype(np.int64))
    others = np.flatnonzero(today != states.midnight)
    if len(others):
        raise StateError(
            "states are not from the day of the moment",
            got=f"states of {np.datetime64(states.midnight, 'us')} for {as_of[others[0]]}",
            expected=f"states of {np.datetime64(int(today[others[0]]), 'us')}",
            remedy="build features for that day first, or compute from the log",
        )
