"""Every aggregate that moves from one midnight to the next has the same bits as one computed from the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.compiled_features import compile_features
from features.definitions import AggregateKind, Where
from features.kernel.aggregates.active_days import DAYS_PER_WORD, DayBits, DayCount
from features.kernel.aggregates.extremes import FirstTime, Maximum, Minimum
from features.kernel.aggregates.sums import Count, Sum
from features.state import compute_states
from features.state_rollover import LATEST_DAYS, far_too_late, first_days, next_midnight
from tests.features.build import AMSTERDAM, NO_STAGES, aggregate, catalogue, event, table
from tests.features.logs import CUSTOMERS, ZONES, logs, times

KINDS: tuple[AggregateKind, ...] = get_args(AggregateKind)
FORGETFUL = (Minimum, Maximum, FirstTime)
"""Aggregates that do not know what remains when the event whose number they keep leaves."""


def _catalogue(kind: AggregateKind) -> FeatureCatalogue:
    half_life = {"half_life_days": 3} if kind.startswith("decayed") else {}
    return catalogue(
        aggregate("bounded", kind, windows_days=(1, 7, 30, 400), **half_life),
        aggregate("of_visits", kind, Where(types=("visit",)), windows_days=(7,), per="channel", **half_life),
        aggregate("ever", kind, **half_life),
    )


CATALOGUES = {kind: _catalogue(kind) for kind in KINDS}


def _midnights(start: datetime, calendar: Calendar, count: int) -> list[np.datetime64]:
    day = calendar.day_index(np.array([int(start.timestamp()) * 1_000_000]))[0]
    return list(calendar.beginning(np.arange(day, day + count)).astype("datetime64[us]"))


def _check(log: list[Event], start: datetime, calendar: Calendar, built: FeatureCatalogue, nights: int) -> None:
    events = table(log)
    states = [
        compute_states(events, CUSTOMERS, midnight, FeatureDefinitions(built, NO_STAGES, calendar))
        for midnight in _midnights(start, calendar, nights + 1)
    ]
    merged_too_late = set(far_too_late(events, calendar))
    plan = compile_features(built, None, mergeable_days=True).plan
    forgetful = [slot for slot in plan.slots if isinstance(slot.aggregate, FORGETFUL) and slot.window is not None]
    for before, after in pairwise(states):
        moved, exact = next_midnight(before, events, events, FeatureDefinitions(built, NO_STAGES, calendar))
        assert (moved.midnight, moved.layout) == (after.midnight, after.layout)
        assert exact.all() or forgetful
        for row in np.flatnonzero(exact):
            if CUSTOMERS[row] not in merged_too_late:
                assert moved.matrix[row].tobytes() == after.matrix[row].tobytes(), CUSTOMERS[row]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=4)
@given(data=st.data())
def test_what_moved_is_what_a_recomputation_gives(kind: AggregateKind, zone: str, data: st.DataObject) -> None:
    _check(data.draw(logs(zone)), data.draw(times(zone)), Calendar(ZoneInfo(zone)), CATALOGUES[kind], nights=3)


@pytest.mark.parametrize("kind", KINDS)
def test_days_beyond_their_bits_and_blocks_beyond_the_window_move_too(kind: AggregateKind) -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    log = [
        event(at=noon - timedelta(days=days), number=days, amount=float(days % 11), late=timedelta(days=days % 3))
        for days in (*range(0, 40, 3), *range(370, 410))
    ]
    _check(log, noon - timedelta(days=3), AMSTERDAM, CATALOGUES[kind], nights=8)


def test_only_an_extreme_that_leaves_is_not_exact() -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    built = catalogue(aggregate("most", "max", windows_days=(7,)))
    states = compute_states(
        table(
            [
                event("a", noon - timedelta(days=7), amount=9.0, number=1),
                event("a", noon - timedelta(days=1), amount=2.0, number=2),
                event("b", noon - timedelta(days=7), amount=2.0, number=3),
                event("b", noon - timedelta(days=1), amount=9.0, number=4),
                event("c", noon - timedelta(days=1), amount=9.0, number=5),
            ]
        ),
        CUSTOMERS,
        _midnights(noon, AMSTERDAM, 1)[0],
        FeatureDefinitions(built, NO_STAGES, AMSTERDAM),
    )
    left = table([event(who, noon - timedelta(days=7), amount=one, number=9) for who, one in (("a", 9.0), ("b", 2.0))])
    _, exact = next_midnight(states, left, table([]), FeatureDefinitions(built, NO_STAGES, AMSTERDAM))
    assert dict(zip(CUSTOMERS, exact.tolist(), strict=True)) == {"a": False, "b": True, "c": True, "nobody": True}


@pytest.mark.parametrize("kind", [Count(), Sum(), DayCount()])
def test_sums_move_without_a_history_whatever_wraps_around(kind: Count | Sum | DayCount) -> None:
    large = np.array([np.iinfo(np.int64).max, 5])
    more = np.array([7, -3])
    merged = kind.merge((large,), (more,))
    assert kind.without(merged, (more,))[0].tolist() == large.tolist()
    assert kind.can_subtract(merged, (more,)).all()


def test_the_last_bit_of_a_day_becomes_an_old_day() -> None:
    bits = DayBits(2)
    oldest = np.array([1 << (DAYS_PER_WORD - 1)])
    kept = (np.array([4]), np.array([(1 << DAYS_PER_WORD) - 1]), oldest)
    old, first, second = bits.roll(kept, np.array([20_000]))
    assert (old.tolist(), first.tolist(), second.tolist()) == ([5], [(1 << DAYS_PER_WORD) - 2], [1])


def test_the_days_that_leave_are_one_for_each_window_and_night() -> None:
    built = catalogue(aggregate("most", "max", windows_days=(7, 8)), aggregate("ever", "max"))
    assert first_days(built, 100, nights=2).tolist() == [92, 93, 94]
    assert first_days(built, 7, nights=1).tolist() == [0]


def test_news_are_too_late_from_the_day_on_on_which_bits_end() -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    news = [event(f"{days}", noon, late=timedelta(days=days), number=days) for days in (LATEST_DAYS, LATEST_DAYS + 1)]
    assert far_too_late(table(news), AMSTERDAM).tolist() == [f"{LATEST_DAYS + 1}"]
