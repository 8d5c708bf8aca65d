"""Roll states over to the next midnight: remove what leaves the windows, merge what became known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.compiled_features import compile_features
from features.inputs import coded_moments, history_of
from features.journey.stage_rollover import stand_at
from features.kernel.aggregates.active_days import DAYS_PER_WORD, MOST_WORDS
from features.kernel.arrays import BoolArray, Int64Array
from features.kernel.gather import move
from features.moments import Moments
from features.state import States, since

LATEST_DAYS: Final = MOST_WORDS * DAYS_PER_WORD - 2
"""Events that arrive later than this could count their day twice: distinct days have bits for one day more."""


def next_midnight(
    states: States,
    left: pa.Table,
    news: pa.Table,
    definitions: FeatureDefinitions,
) -> tuple[States, BoolArray]:
    """Roll states over to the next local midnight; equals `compute_states` bit for bit where the result is exact.

    Args:
        states: States of customers with visible events at their midnight.
        left: At least the events that occurred on `first_days`; more do no harm.
        news: At least the events that became available from the states' midnight to the next, none of them more than
            LATEST_DAYS late; more do no harm.
        definitions: The bank's feature definitions, with the states' layout.

    Returns:
        The states of the same customers, and a mask of those that are exact: the others need their history.
    """
    calendar = definitions.calendar
    program = compile_features(definitions.catalogue, None, mergeable_days=True)
    plan, ids = program.plan, states.customer_ids
    day = calendar.day_index(np.array([states.midnight]))
    here, there = (np.datetime64(int(calendar.beginning(day + days)[0]), "us") for days in (0, 1))
    before = history_of(left, calendar, before=here)
    after = history_of(since(news, states.midnight), calendar, before=there)
    moments_before, moments = coded_moments(before, Moments.at(ids, here)), coded_moments(after, Moments.at(ids, there))
    leaving, entering = before.leaving(moments_before, plan.windows), after.listed(moments, plan.windows)
    kept, exact = move(plan, states.kept, leaving, entering, moments_before.day)
    standing = stand_at(states.standing(), kept, plan, moments, definitions)
    numbers = np.concatenate([kept, np.stack([standing.stage, standing.previous, standing.day])])
    return States(ids, numbers.T, int(there.astype(np.int64)), states.layout), exact


def first_days(catalogue: FeatureCatalogue, day: int, nights: int) -> Int64Array:
    """Return the local days whose events leave a window within a number of nights, ascending.

    Args:
        catalogue: The bank's features.
        day: The day that begins with the states' midnight.
        nights: Number of nights.
    """
    windows = compile_features(catalogue, None, mergeable_days=True).plan.windows
    days = {day + night - window for window in windows if window is not None for night in range(nights)}
    return np.array(sorted(local_day for local_day in days if local_day >= 0), dtype=np.int64)


def far_too_late(news: pa.Table, calendar: Calendar) -> NDArray[np.object_]:
    """Return customers with events that arrived too late to be merged into a state."""
    occurred, available = (_microseconds(news, name) for name in ("occurred_at", "available_at"))
    late = calendar.day_index(available) - calendar.day_index(occurred) > LATEST_DAYS
    return np.array(news.column("customer_id").filter(pa.array(late)).to_pylist(), dtype=object)


def _microseconds(events: pa.Table, name: str) -> Int64Array:
    return np.asarray(events.column(name).cast(pa.int64()).to_numpy(), dtype=np.int64)
