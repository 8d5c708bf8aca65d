"""Decayed counts and sums in unusual conditions: long histories, many events, large amounts."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.kernel.columns import LARGEST_NUMBER
from tests.features.build import AMSTERDAM, NO_STAGES, aggregate, catalogue, event, moments, table

CATALOGUE = catalogue(
    aggregate("count", "decayed_count", half_life_days=7),
    aggregate("sum", "decayed_sum", half_life_days=7),
    aggregate("slow_sum", "decayed_sum", half_life_days=3650),
)
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def _row(events: pa.Table, as_of: datetime) -> dict[str, float | str | bool | None]:
    return compute_features(events, moments(("c1", as_of)), FeatureDefinitions(CATALOGUE, NO_STAGES, AMSTERDAM)).row(0)


def test_an_event_weighs_one_on_its_own_day_and_half_after_a_half_life() -> None:
    one = table([event(at=NOON, amount=8.0)])
    weights = [_row(one, NOON + timedelta(days=days))["count"] for days in (0.1, 7, 14, 28, 56)]
    assert weights == pytest.approx([1, 0.5, 0.25, 0.0625, 2**-8], rel=1e-9)
    assert _row(one, NOON + timedelta(days=21))["sum"] == pytest.approx(1, rel=1e-9)


def test_after_forty_half_lives_an_event_does_not_count() -> None:
    one = table([event(at=NOON)])
    last, gone = (_row(one, NOON + timedelta(days=days))["count"] for days in (279, 280))
    assert last == pytest.approx(2 ** -(279 / 7), rel=1e-9)
    assert gone == 0


def test_ten_years_of_days_are_a_geometric_series() -> None:
    days = table([event(at=NOON - timedelta(days=day), number=day, amount=0.0001) for day in range(3650)])
    row = _row(days, NOON + timedelta(hours=1))
    series = (1 - 2.0**-40) / (1 - 2 ** (-1 / 7))
    assert row["count"] == pytest.approx(series, rel=1e-9)
    assert row["sum"] == pytest.approx(series * 0.0001, rel=1e-9)
    assert row["slow_sum"] == pytest.approx(0.0001 * (1 - 0.5) / (1 - 2 ** (-1 / 3650)), rel=1e-9)


def test_very_many_and_very_large_amounts_do_not_overflow() -> None:
    n = 100_000
    occurred = pa.array([NOON] * n, pa.timestamp("us", "UTC"))
    events = pa.table(
        {
            "customer_id": pa.array(["c1"] * n),
            "occurred_at": occurred,
            "available_at": occurred,
            "type": pa.array(["visit"] * n),
            "channel": pa.nulls(n, pa.string()),
            "product": pa.nulls(n, pa.string()),
            "amount": pa.array(np.full(n, LARGEST_NUMBER)),
            "properties": pa.nulls(n, pa.map_(pa.string(), pa.string())),
        }
    )
    for days in range(0, 57, 8):  # for every position of the event's day in its block
        row = _row(events, NOON + timedelta(days=days, hours=1))
        assert row["count"] == pytest.approx(n * 2 ** -(days / 7), rel=1e-9)
        assert row["sum"] == pytest.approx(n * LARGEST_NUMBER * 2 ** -(days / 7), rel=1e-9)
