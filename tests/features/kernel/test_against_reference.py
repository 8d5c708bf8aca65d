"""The kernel equals a slow, obviously correct reference to the last bit; decayed aggregates to 1e-9 relative."""

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from tests.features import slow
from tests.features.build import moments, table
from tests.features.everything import JOURNEY, everything
from tests.features.logs import ZONES, asked, logs

CATALOGUE = everything()


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_every_aggregate_equals_the_slow_reference(zone: str, data: st.DataObject) -> None:
    log = data.draw(logs(zone))
    wanted = data.draw(asked(zone, log))
    computed = compute_features(
        table(log), moments(*wanted), FeatureDefinitions(CATALOGUE, JOURNEY, Calendar(ZoneInfo(zone)))
    )
    for name, feature in CATALOGUE.features.items():
        if feature.aggregate is None:
            continue
        expected = [slow.aggregated(feature, log, customer, as_of, ZoneInfo(zone)) for customer, as_of in wanted]
        numbers = np.array([np.nan if value is None else value for value in expected], dtype=np.float64)
        if feature.aggregate.half_life_days is None:
            np.testing.assert_array_equal(computed.columns[name], numbers, err_msg=name)
        else:  # the reference sums floats
            np.testing.assert_allclose(computed.columns[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_the_local_clock_is_that_of_the_zone(zone: str, data: st.DataObject) -> None:
    wanted = data.draw(asked(zone))
    computed = compute_features(
        table([]), moments(*wanted), FeatureDefinitions(CATALOGUE, JOURNEY, Calendar(ZoneInfo(zone))), ["clock"]
    )
    local = [as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for _, as_of in wanted]
    expected = [time.month * 10_000 + time.isoweekday() * 100 + time.hour for time in local]
    np.testing.assert_array_equal(computed.columns["clock"], expected)
