"""Known stages can replace the stage process."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.journey.lifecycle import stage_history
from features.state import compute_states
from tests.features.build import moments, table
from tests.features.everything import JOURNEY, everything
from tests.features.logs import CUSTOMERS, ZONES, asked, logs

CATALOGUE = everything()


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_features_and_states_are_those_of_the_process(zone: str, data: st.DataObject) -> None:
    log, calendar = data.draw(logs(zone)), Calendar(ZoneInfo(zone))
    wanted = moments(*data.draw(asked(zone, log)))
    latest = wanted.as_of.max()
    known = stage_history(table(log), latest, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    one = compute_features(table(log), wanted, FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    other = compute_features(table(log), wanted, FeatureDefinitions(CATALOGUE, JOURNEY, calendar), stages=known)
    assert one.to_arrow().equals(other.to_arrow())
    midnight = calendar.midnight(latest.astype("int64").reshape(1)).astype("datetime64[us]")[0]
    states = [
        compute_states(table(log), CUSTOMERS, midnight, FeatureDefinitions(CATALOGUE, JOURNEY, calendar), stages)
        for stages in (None, known)
    ]
    assert states[0].matrix.tobytes() == states[1].matrix.tobytes()


def test_without_events_nobody_is_in_a_stage() -> None:
    calendar, nobody = Calendar(ZoneInfo("UTC")), moments(("nobody", "2026-01-01T00:00"))
    known = stage_history(table([]), nobody.as_of[0], FeatureDefinitions(CATALOGUE, JOURNEY, calendar))
    features = compute_features(table([]), nobody, FeatureDefinitions(CATALOGUE, JOURNEY, calendar), stages=known)
    assert features.row(0)["stage"] is None
