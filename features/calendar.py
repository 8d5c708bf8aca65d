"""Calendar of local days: where each day of the bank's time zone begins in UTC."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError

Int64Array = NDArray[np.int64]

MICROSECONDS_PER_HOUR = 3_600_000_000
MICROSECONDS_PER_DAY = 24 * MICROSECONDS_PER_HOUR
FIRST_YEAR = 1970
LAST_YEAR = 2100
"""Moments must lie in these years; an event before them counts as one of the first day."""


class Calendar:
    """The days of a time zone, numbered from 1970-01-01 there.

    A day begins at its first instant: where clocks skip midnight, that is the instant of the skip. All times are
    int64 microseconds UTC.

    Example:
        >>> amsterdam = Calendar(ZoneInfo("Europe/Amsterdam"))
        >>> noon = np.array([np.datetime64("2026-03-29T12:00", "us").astype(np.int64)])
        >>> hours = (noon - amsterdam.midnight(noon)) / MICROSECONDS_PER_HOUR
        >>> float(hours[0]), int(amsterdam.hour(noon)[0])  # clocks went forward that night
        (13.0, 14)
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    @property
    def midnights(self) -> Int64Array:
        """Beginning of every day, microseconds UTC, shape (days,)."""
        return _midnights(self.zone)

    def day_index(self, times: Int64Array) -> Int64Array:
        """Return the number of the local day of each time; -1 before 1970."""
        return np.searchsorted(self.midnights, times, side="right").astype(np.int64) - 1

    def checked_day_index(self, times: Int64Array) -> Int64Array:
        """Return the number of the local day of each moment for which features are requested.

        Raises:
            DataError: If a moment is outside the calendar's years.
        """
        days = self.day_index(times)
        if len(days) and (days.min() < 0 or days.max() >= len(self.midnights) - 1):
            wrong = times[(days < 0) | (days >= len(self.midnights) - 1)][0]
            raise DataError(
                "a moment is outside the calendar",
                got=str(np.datetime64(int(wrong), "us")),
                expected=f"years {FIRST_YEAR} to {LAST_YEAR}",
            )
        return days

    def midnight(self, times: Int64Array) -> Int64Array:
        """Return the beginning of the local day of each time."""
        return self.beginning(self.day_index(times))

    def days_before(self, times: Int64Array, days: int) -> Int64Array:
        """Return the beginning of the local day that is `days` days before that of each time."""
        return self.beginning(self.day_index(times) - days)

    def beginning(self, days: Int64Array) -> Int64Array:
        """Return the beginning of days given by number; days before 1970 begin with the calendar."""
        beginnings: Int64Array = self.midnights[np.maximum(days, 0)]
        return beginnings

    def hour(self, times: Int64Array) -> Int64Array:
        """Return the hour on the local clock, 0 to 23."""
        days = np.maximum(self.day_index(times), 0)
        starts, ends = self.midnights[days], self.midnights[days + 1]
        elapsed = times - starts
        # on the days when clocks change, the wall clock is elapsed time plus the change from its instant on
        for day in np.unique(days[(ends - starts) != MICROSECONDS_PER_DAY]):
            instant, change = _clock_change(self.zone, int(day))
            elapsed = np.where((days == day) & (times >= instant), elapsed + change, elapsed)
        return (elapsed // MICROSECONDS_PER_HOUR) % 24

    def year_month_weekday(self, days: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return year, month (1 to 12) and day of the week (1 Monday to 7) of days given by number."""
        dates = days.astype("datetime64[D]")
        months = dates.astype("datetime64[M]").astype(np.int64)
        # 1970-01-01 was a Thursday
        return 1970 + months // 12, 1 + months % 12, (days + 3) % 7 + 1

    def day_of(self, day: date) -> int:
        """Return the number of a date."""
        return (day - date(FIRST_YEAR, 1, 1)).days

    def date_of(self, day: int) -> date:
        """Return the date of a day given by number."""
        return date(FIRST_YEAR, 1, 1) + timedelta(days=day)


@lru_cache(maxsize=8)
def _midnights(zone: ZoneInfo) -> Int64Array:
    """Compute the beginning of every day, and of the day after the last one as its end."""
    first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR + 1, 1, 1).toordinal()
    days = (date.fromordinal(ordinal) for ordinal in range(first, last + 1))
    offsets = (zone.utcoffset(datetime(day.year, day.month, day.day)) or timedelta(0) for day in days)  # noqa: DTZ001  # the zone gives the offset of this wall time
    seconds = np.fromiter((offset.days * 86_400 + offset.seconds for offset in offsets), np.int64, last - first + 1)
    midnights = np.arange(last - first + 1, dtype=np.int64) * MICROSECONDS_PER_DAY - seconds * 1_000_000
    midnights.flags.writeable = False
    return midnights


@lru_cache(maxsize=4096)
def _clock_change(zone: ZoneInfo, day: int) -> tuple[int, int]:
    """Find when clocks change on a day that is not 24 hours long, and by how many microseconds (forward positive)."""
    start, end = (int(beginning) // 1_000_000 for beginning in _midnights(zone)[day : day + 2])

    def offset(second: int) -> int:
        local = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() or timedelta(0)
        return round(local.total_seconds())

    # the change may be at the very beginning (midnight skipped), so the offset is compared with that of the day before
    before = offset(start - 1)
    instant = bisect_left(range(start, end), True, key=lambda second: offset(second) != before) + start
    return instant * 1_000_000, (offset(instant) - before) * 1_000_000
