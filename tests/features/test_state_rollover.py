"""States that roll over night after night, including stages, equal those that are computed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.journey.lifecycle import NO_STAGE, stage_history
from features.journey.settings import Journey
from features.journey.stage_rollover import can_continue, continued_history
from features.moments import Moments
from features.state import States, compute_states, features_at
from features.state_rollover import next_midnight
from tests.features.build import AMSTERDAM, event, moment, stage, table
from tests.features.everything import JOURNEY, everything
from tests.features.logs import CUSTOMERS, ZONES, logs, times

CATALOGUE = everything()
NIGHTS = 5


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_states_that_move_for_nights_are_those_that_are_computed(zone: str, data: st.DataObject) -> None:
    calendar, log = Calendar(ZoneInfo(zone)), data.draw(logs(zone))
    events = table(log)
    day = int(calendar.day_index(np.array([int(data.draw(times(zone)).timestamp()) * 1_000_000]))[0])

    def computed(night: int) -> States:
        midnight = calendar.beginning(np.array([day + night])).astype("datetime64[us]")[0]
        return compute_states(events, CUSTOMERS, midnight, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))

    states = computed(0)
    begin = datetime.fromtimestamp(states.midnight // 1_000_000, UTC)
    with_news = {one.customer_id for one in log if one.available_at >= begin}
    # customers without a stage who have new events, or never did anything, may not be visible yet
    with_history = {one.customer_id for one in log} - with_news
    seen = np.array([name in with_history for name in CUSTOMERS]) | (states.standing().stage != NO_STAGE)
    for night in range(1, NIGHTS + 1):
        states, exact = next_midnight(states, events, events, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
        seen &= exact
        expected, rows = computed(night), np.flatnonzero(seen)
        assert states.take(rows).matrix.tobytes() == expected.take(rows).matrix.tobytes()
    assert states.midnight == expected.midnight


def test_histories_continue_with_entries_and_with_recomputed_stages() -> None:
    paid = [("a", "2026-01-01"), ("b", "2026-01-02"), ("b", "2026-01-16"), ("c", "2026-01-03")]
    log = table([event(who, f"{at}T12:00", "payment", number=number) for number, (who, at) in enumerate(paid)])
    ids = pa.array(["a", "b", "c"])
    before, after = (
        stage_history(log, moment(at), FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
        for at in ("2026-01-06T23:00", "2026-01-20T23:00")
    )
    states = compute_states(
        log, ["a", "b", "c"], moment("2026-01-06T23:00"), FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)
    )
    changes = []
    for _ in range(14):
        states, _ = next_midnight(states, log, log, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
        standing = states.standing()
        entered = standing.day == AMSTERDAM.day_index(np.array([states.midnight]))
        changes.append(standing.take(np.flatnonzero(entered & (standing.stage != NO_STAGE))))
    assert len(after) > len(before)
    nobody, only_b = np.zeros(3, dtype=np.bool_), np.array([False, True, False])
    assert continued_history(before, changes, after.slice(0, 0), ids, nobody, AMSTERDAM).equals(after)
    of_b = after.filter(pa.array([name == "b" for name in after["customer_id"].to_pylist()]))
    assert continued_history(before, changes, of_b, ids, only_b, AMSTERDAM).equals(after)


def test_the_process_cannot_continue_where_a_stage_does_not_say_how_long_it_is_held() -> None:
    one, other = stage("growth", "visits_7d > 2", minimum_days=3), stage("growth", "visits_7d > 1", minimum_days=4)
    assert can_continue(JOURNEY)
    assert can_continue(Journey(stages=(one, one)))
    assert not can_continue(Journey(stages=(one, other)))


def test_states_give_features_of_many_moments_of_their_day() -> None:
    noon = moment("2026-01-15T12:00")
    log = table([event(at=noon - timedelta(hours=hours), number=hours, amount=float(hours)) for hours in (0, 2, 30)])
    states = compute_states(log, ["c1"], moment("2026-01-14T23:00"), FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
    as_of = np.array(["2026-01-15T09:00", "2026-01-15T11:00", "2026-01-15T13:00"], "datetime64[us]")
    found = features_at(
        states.take(np.zeros(3, np.int64)), log, as_of, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)
    )
    assert found.columns["visits_7d"].tolist() == [1, 2, 3]
    assert found.as_of.tolist() == Moments(states.customer_ids, as_of).as_of.tolist()
