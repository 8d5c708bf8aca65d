"""Periods by which features are stored: all moments of a period are recomputed together, or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

MONTHS_PER_QUARTER = 3


@dataclass(frozen=True, slots=True)
class StoredPeriod:
    """A completed quarter, or a month of the current one; in UTC.

    Attributes:
        first: Its first month, counted from January 1970.
        months: 3 or 1.
    """

    first: int
    months: int

    @property
    def name(self) -> str:
        """The name, such as `2025-q4` or `2026-05`."""
        month = str(np.datetime64(self.first, "M"))
        quarter = f"{month[:5]}q{self.first % 12 // MONTHS_PER_QUARTER + 1}"
        return quarter if self.months == MONTHS_PER_QUARTER else month

    @property
    def last_month(self) -> str:
        """The last month, such as `2025-12`: no moment of the period sees what became available after it."""
        return str(np.datetime64(self.first + self.months - 1, "M"))

    def holds(self, moments: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Tell which moments are in the period."""
        month = moments.astype("datetime64[M]").astype(np.int64)
        return (month >= self.first) & (month < self.first + self.months)

    def is_over_before(self, moment: int) -> bool:
        """Tell whether a moment, in microseconds UTC, is in a later month: what becomes available then is ignored."""
        month = np.datetime64(moment, "us").astype("datetime64[M]").astype(np.int64)
        return bool(self.first + self.months <= month)


def periods_between(first: datetime, until: datetime) -> tuple[StoredPeriod, ...]:
    """List the periods from that of the first moment to that of the last, oldest first.

    Example:
        >>> periods = periods_between(datetime(2025, 11, 5, tzinfo=UTC), datetime(2026, 5, 31, tzinfo=UTC))
        >>> [period.name for period in periods]
        ['2025-q4', '2026-q1', '2026-04', '2026-05']
    """
    begin, end = _month(first), _month(until)
    open_since = end - end % MONTHS_PER_QUARTER
    over = range(begin - begin % MONTHS_PER_QUARTER, open_since, MONTHS_PER_QUARTER)
    return (
        *(StoredPeriod(month, MONTHS_PER_QUARTER) for month in over),
        *(StoredPeriod(month, 1) for month in range(max(begin, open_since), end + 1)),
    )


def _month(moment: datetime) -> int:
    utc = moment.astimezone(UTC)
    return (utc.year - 1970) * 12 + utc.month - 1
