from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.times import local_to_utc, moments_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def _utc(column: pa.Array, zone: ZoneInfo = AMSTERDAM) -> list[str]:
    moments = moments_of(column, zone)
    assert not moments.unreadable.any()
    return [str(moment) for moment in moments.microseconds.astype("datetime64[us]").astype("datetime64[s]")]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-05", "2026-01-04T23:00:00"),
        ("2026-07-05 10:15", "2026-07-05T08:15:00"),
        ("2026-07-05T10:15:30.25", "2026-07-05T08:15:30"),
        ("2026-07-05T10:15:30.123456789", "2026-07-05T08:15:30"),
        ("2026-07-05T10:15:30Z", "2026-07-05T10:15:30"),
        ("2026-07-05 10:15:30+05:30", "2026-07-05T04:45:30"),
        ("2026-07-05T10:15:30-0100", "2026-07-05T11:15:30"),
    ],
)
def test_times_are_read_in_every_common_form(text: str, utc: str) -> None:
    assert _utc(pa.array([text])) == [utc]
    assert _utc(pa.array([text, "2026-01-05T00:00:00Z", "2026-01-05"]))[0] == utc


def test_of_the_autumn_hour_that_comes_twice_the_earlier_is_meant() -> None:
    assert _utc(pa.array(["2026-10-25 02:30:00"])) == ["2026-10-25T00:30:00"]


def test_the_spring_hour_that_is_left_out_shifts_forward() -> None:
    assert _utc(pa.array(["2026-03-29 02:30:00", "2026-03-29 03:30:00"])) == ["2026-03-29T01:30:00"] * 2


def test_timestamps_and_dates_of_every_unit_are_read() -> None:
    plain = [datetime(2026, 7, 5, 10, 15)]  # noqa: DTZ001 - local, as files have it
    for unit in ("s", "ms", "us", "ns"):
        assert _utc(pa.array(plain, pa.timestamp(unit))) == ["2026-07-05T08:15:00"]
        assert _utc(pa.array([plain[0].replace(tzinfo=UTC)], pa.timestamp(unit, "Asia/Tokyo"))) == [
            "2026-07-05T10:15:00"
        ]
    assert _utc(pa.array([date(2026, 7, 5)])) == ["2026-07-04T22:00:00"]


def test_missing_and_unreadable_times_are_told_apart() -> None:
    moments = moments_of(pa.array(["2026-01-05", None, "soon", "2026-13-01", "10:15"]), AMSTERDAM)
    assert moments.missing.tolist() == [False, True, False, False, False]
    assert moments.unreadable.tolist() == [False, False, True, True, True]


@settings(deadline=None)
@given(
    st.lists(st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1)), min_size=1, max_size=20),  # noqa: DTZ001 - local
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Dublin"]),
)
def test_local_times_become_what_the_standard_library_says(moments: list[datetime], name: str) -> None:
    zone = ZoneInfo(name)
    local = np.array(moments, dtype="datetime64[us]").astype(np.int64)
    expected = [moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) for moment in moments]
    assert local_to_utc(local, zone).astype("datetime64[us]").tolist() == expected
