from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.times import TimeUnit, is_moment_type, local_to_utc, moments_of

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


LISTED = [
    "2026-03-29",
    "2026-03-29 10:15",
    "2026-03-29T10:15:00",
    "2026-03-29 10:15:00.1234567",
    "2026-03-29T10:15Z",
    "2026-03-29 10:15:00+02",
    "2026-03-29T10:15:00+0200",
    "2026-03-29T10:15:00.1234567+02:00",
]
NOT_LISTED = [
    *["20260329101500", "20260329101500Z", "20260329101500123", "202603291015", "2026032910", "1774775700"],
    *["1774775700000", "2026-03-29-10.15.00.123456", "2026-03-2910:15:00", "29.03.2026 10:15", "03/29/2026 10:15"],
    *["46110.427083", "2026-03-29 24:00:00", "2026088", "2026-W13-7", "20260329", "2026-03-29 10:15:00 CEST"],
    *["2026032910150", "2026-03-29\u00a010:15:00", "2026/03/29 10:15:00", "1712101530123", "2026-03-29x10:15:00"],
    *["2026-03-29 1015", "2026-03-29 10", "2026-03-29910:15:00", "2026-03-29 10:15:60", "2026-02-30 10:15"],
    *[
        "2026-03-29Z",
        "2026-03-29 10:15:00+2",
        "2026-03-29 10:15:00+24:00",
        "2026-03-29 10:15,5",
        "26-03-29",
        "0000-01-01",
    ],
    *["-2026-03-29", "2026-3-29", "2026-03-29  10:15", "\u0662026-03-29", "2026-03-29 10:15:00.", "2026-00-10"],
]


@pytest.mark.parametrize("others", [[], ["2026-01-05"], ["2026-01-05T00:00:00Z"], ["soon", None]])
def test_only_listed_forms_are_times_whatever_stands_beside_them(others: list[str | None]) -> None:
    for text in LISTED:
        assert not moments_of(pa.array([text, *others], pa.string()), AMSTERDAM).unreadable[0], text
    for text in NOT_LISTED:
        assert moments_of(pa.array([text, *others], pa.string()), AMSTERDAM).unreadable[0], text


@given(st.lists(st.text("0123456789-:TZ+. ", max_size=24) | st.sampled_from(LISTED), max_size=6))
def test_a_column_is_read_as_its_texts_are_one_by_one(texts: list[str]) -> None:
    together = moments_of(pa.array(texts, pa.string()), AMSTERDAM)
    alone = [moments_of(pa.array([text], pa.string()), AMSTERDAM) for text in texts]
    assert together.microseconds.tolist() == [one.microseconds[0] for one in alone]
    assert together.unreadable.tolist() == [one.unreadable[0] for one in alone]


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1)), st.integers(-23 * 60, 23 * 60))  # noqa: DTZ001 - local
def test_every_listed_form_is_the_moment_that_it_says(local: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    for text, meant in (
        (f"{local:%Y-%m-%d}", datetime(local.year, local.month, local.day, tzinfo=AMSTERDAM)),
        (f"{local:%Y-%m-%d %H:%M}", local.replace(second=0, microsecond=0, tzinfo=AMSTERDAM)),
        (f"{local:%Y-%m-%dT%H:%M:%S.%f}", local.replace(tzinfo=AMSTERDAM)),
        (f"{local:%Y-%m-%d %H:%M:%S.%f}{sign}{hours:02d}:{rest:02d}", local.replace(tzinfo=zone)),
        (f"{local:%Y-%m-%dT%H:%M:%S}{sign}{hours:02d}{rest:02d}", local.replace(microsecond=0, tzinfo=zone)),
    ):
        found = moments_of(pa.array([text]), AMSTERDAM)
        assert found.microseconds.tolist() == [round(meant.timestamp() * 1_000_000)], text


@pytest.mark.parametrize(("unit", "factor"), [("s", 1_000_000), ("ms", 1_000), ("us", 1)])
def test_numbers_are_times_only_where_their_unit_is_declared(unit: TimeUnit, factor: int) -> None:
    count = 1_774_775_700_000_000 // factor
    for column in (pa.array([count, -1, None]), pa.array([str(count), "-1", None])):
        assert moments_of(column, AMSTERDAM, unit).microseconds.tolist() == [count * factor, -factor, 0]
        assert moments_of(column, AMSTERDAM, unit).missing.tolist() == [False, False, True]
    odd = ["2026-03-29", "1.5", "1e9", "", "9" * 18, "9" * 30]
    assert moments_of(pa.array(odd), AMSTERDAM, unit).unreadable.all()
    assert not is_moment_type(pa.int64())
    assert is_moment_type(pa.int64(), unit)
    assert not is_moment_type(pa.timestamp("us"), unit)
    assert moments_of(pa.array([2**63 - 1, -(2**63)]), AMSTERDAM, unit).unreadable.all()


def test_times_beyond_the_calendar_are_unreadable_and_do_not_come_round_again() -> None:
    for unit in ("s", "ms", "us", "ns"):
        far = moments_of(pa.array([2**63 - 1, -(2**63)], pa.timestamp(unit)), AMSTERDAM)
        assert far.unreadable.tolist() == [unit != "ns"] * 2
    assert moments_of(pa.array([2**31 - 1, -(2**31)], pa.date32()), AMSTERDAM).unreadable.all()
    assert _utc(pa.array(["0001-01-01", "9999-12-31 23:59"]), ZoneInfo("UTC")) == [
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:00",
    ]


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
