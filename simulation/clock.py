"""Clock of the simulated bank: days and times of day, local and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from simulation.market import FloatArray, IntArray

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """The simulated days in the bank's time zone.

    Attributes:
        start: First local day.
        days: Number of days.
        midnights: Shape (days + 1,), local midnights in microseconds UTC; the last is the end.
        hourly_offsets: Local minus UTC, microseconds, for every hour from a day before the first midnight on.
    """

    start: date
    days: int
    midnights: IntArray
    hourly_offsets: IntArray

    @classmethod
    def of(cls, start: date, days: int, zone: ZoneInfo) -> SimulatedClock:
        """Create the clock of a number of days.

        Example:
            >>> clock = SimulatedClock.of(date(2025, 3, 29), 3, ZoneInfo("Europe/Amsterdam"))
            >>> (np.diff(clock.midnights) // HOUR).tolist()  # the clocks went forward on the 30th
            [24, 23, 24]
        """
        midnights = [
            datetime.combine(start + timedelta(days=day), datetime.min.time(), zone) for day in range(days + 1)
        ]
        microseconds = np.array([int(midnight.timestamp()) * SECOND for midnight in midnights], dtype=np.int64)
        first = datetime.fromtimestamp(int(microseconds[0]) // SECOND, UTC) - timedelta(days=1)
        offsets = [
            (first + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta(0)
            for hour in range(24 * (days + 3))
        ]
        return cls(
            start, days, microseconds, np.array([int(offset.total_seconds()) * SECOND for offset in offsets], np.int64)
        )

    @property
    def end(self) -> int:
        """End of the last day, microseconds UTC."""
        return int(self.midnights[-1])

    def moments(self, day: int, seconds: FloatArray) -> IntArray:
        """Convert seconds since a day's local midnight to microseconds UTC, in whole seconds."""
        bounded = np.clip(seconds, 1, DAY_SECONDS - 3601).astype(np.int64)
        moments: IntArray = self.midnights[day] + bounded * SECOND
        return moments

    def day_of(self, moments: IntArray) -> IntArray:
        """Return the simulated day of moments; -1 before the first, `days` from the end on."""
        return np.asarray(np.searchsorted(self.midnights, moments, side="right") - 1, dtype=np.int64)

    def local(self, moments: IntArray) -> IntArray:
        """Convert microseconds UTC to local wall-clock microseconds."""
        hour = (moments - (self.midnights[0] - 24 * HOUR)) // HOUR
        local: IntArray = moments + self.hourly_offsets[np.clip(hour, 0, len(self.hourly_offsets) - 1)]
        return local

    def weekday(self, day: int) -> int:
        """Return the weekday of a simulated day; Monday is 0."""
        return (self.start + timedelta(days=day)).weekday()

    def year_angle(self, day: int) -> float:
        """Return the position of a day in the year, in radians; 1 January is 0."""
        return 2 * np.pi * ((self.start + timedelta(days=day)).timetuple().tm_yday - 1) / 365.25


def times_online(rng: np.random.Generator, morningness: FloatArray) -> FloatArray:
    """Draw times of day of logins, in seconds: early, around noon or in the evening, depending on the person."""
    pick = rng.random(len(morningness))
    early = 0.28 + 0.12 * np.tanh(morningness)
    centre = np.where(pick < early, 7.6, np.where(pick < early + 0.25, 12.6, 20.4))
    return np.mod(centre + rng.normal(0.0, 1.3, len(morningness)), 23.9) * 3600


def times_shopping(rng: np.random.Generator, count: int) -> FloatArray:
    """Draw times of day of payments, in seconds."""
    return np.clip(rng.normal(14.8, 3.2, count), 6.5, 22.8) * 3600


def times_office(rng: np.random.Generator, count: int) -> FloatArray:
    """Draw times of day within opening hours, in seconds."""
    return rng.uniform(9.0, 17.4, count) * 3600
