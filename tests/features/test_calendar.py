from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from features.calendar import Calendar

ZONES = ["Europe/Amsterdam", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_days_and_hours_are_those_of_the_local_clock(zone: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    # steps of 25 minutes catch everything that lasts an hour; 2018 has Sao Paulo's last skipped midnight
    moments = [datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=25 * step) for step in range(21_000)]
    times = np.array([_microseconds(moment) for moment in moments])
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    assert calendar.day_index(times).tolist() == [calendar.day_of(time.date()) for time in local]
    assert calendar.hour(times).tolist() == [time.hour for time in local]
    year, month, weekday = calendar.year_month_weekday(calendar.day_index(times))
    assert list(zip(year.tolist(), month.tolist(), weekday.tolist(), strict=True)) == [
        (time.year, time.month, time.isoweekday()) for time in local
    ]


def test_a_day_begins_where_a_skipped_midnight_would_have_been() -> None:
    calendar = Calendar(ZoneInfo("America/Sao_Paulo"))
    day = calendar.day_of(date(2018, 11, 4))
    assert calendar.beginning(np.array([day]))[0] == _microseconds(datetime(2018, 11, 4, 3, tzinfo=UTC))


def test_a_day_that_a_country_left_out_is_empty() -> None:
    calendar = Calendar(ZoneInfo("Pacific/Apia"))
    left_out = calendar.day_of(date(2011, 12, 30))
    begins, ends = calendar.beginning(np.array([left_out, left_out + 1]))
    assert begins == ends
    assert calendar.day_index(np.array([begins]))[0] == left_out + 1


def test_times_before_the_calendar_are_of_the_day_before_its_first() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    assert calendar.day_index(np.array([-1, 0])).tolist() == [-1, 0]
    assert calendar.days_before(np.array([0]), 30).tolist() == [0]
