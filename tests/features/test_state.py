from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, StateError
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.moments import Moments
from features.state import States, compute_states, features_from_states
from tests.features.build import AMSTERDAM, NO_STAGES, aggregate, catalogue, event, moment, table
from tests.features.everything import JOURNEY, everything
from tests.features.logs import CUSTOMERS, ZONES, logs, times

CATALOGUE = everything()
MIDNIGHT = moment("2026-01-14T23:00")
NOON = moment("2026-01-15T12:00")


def _states(*days_of_visits: int) -> States:
    log = table([event(at=NOON - timedelta(days=days), number=days) for days in days_of_visits])
    return compute_states(log, ["c1"], MIDNIGHT, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_midnights_state_merged_with_todays_events_is_a_recomputation(zone: str, data: st.DataObject) -> None:
    log, now = data.draw(logs(zone)), data.draw(times(zone))
    calendar = Calendar(ZoneInfo(zone))
    start = int(calendar.midnight(np.array([int(now.timestamp()) * 1_000_000]))[0])
    midnight = datetime.fromtimestamp(start // 1_000_000, UTC)
    states = compute_states(table(log), CUSTOMERS, midnight, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    later = table([one for one in log if midnight <= one.available_at < now])
    merged = features_from_states(states, later, now, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    again = compute_features(table(log), Moments.at(CUSTOMERS, now), FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    for name in CATALOGUE.features:
        assert merged.columns[name].tobytes() == again.columns[name].tobytes(), name
    more = features_from_states(states, table(log), now, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    assert more.to_arrow().equals(merged.to_arrow())


def test_a_late_event_on_a_day_already_counted_does_not_count_the_day_again() -> None:
    states = _states(3)
    late = table([event(at=NOON - timedelta(days=3, hours=1), late=timedelta(days=3), number=9)])
    assert (
        features_from_states(states, late, NOON, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)).row(0)["days_ever"]
        == 1
    )


def test_days_too_old_for_bits_are_kept_as_a_count() -> None:
    assert (
        features_from_states(
            _states(3, 377, 378, 379, 900), table([]), NOON, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)
        ).row(0)["days_ever"]
        == 5
    )


def test_a_state_of_another_layout_is_refused() -> None:
    other = catalogue(aggregate("visits", "count"))
    with pytest.raises(StateError, match="a different layout"):
        features_from_states(_states(3), table([]), NOON, FeatureDefinitions(other, NO_STAGES, AMSTERDAM))
    with pytest.raises(StateError, match="a different layout"):
        features_from_states(
            replace(_states(3), matrix=np.zeros((1, 4), np.int64)),
            table([]),
            NOON,
            FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM),
        )


def test_the_layout_changes_with_the_stages() -> None:
    one = catalogue(aggregate("visits", "count"))
    other = catalogue(aggregate("visits", "count"), journey=replace(NO_STAGES, evaluate_every_days=1))
    assert one.layout == catalogue(aggregate("visits", "count", description="said otherwise")).layout
    assert one.layout != other.layout


@pytest.mark.parametrize("now", ["2026-01-15T23:00", "2026-01-14T22:59"])
def test_a_state_of_another_day_is_refused(now: str) -> None:
    with pytest.raises(StateError, match="day"):
        features_from_states(_states(3), table([]), moment(now), FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))


def test_a_state_at_another_time_than_midnight_is_refused() -> None:
    with pytest.raises(DataError, match="midnight"):
        compute_states(table([]), ["c1"], NOON, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))


def test_states_of_nobody_give_features_of_nobody() -> None:
    nobody = States(np.array([], dtype=object), np.empty((0, 0), np.int64), _states().midnight, CATALOGUE.layout)
    assert (
        len(features_from_states(nobody, table([event()]), NOON, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)))
        == 0
    )
