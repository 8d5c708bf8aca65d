"""Acceptance rates with intervals, from daily responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from models.evaluation.estimate import wilson_interval
from serving.figures.daily_responses import added_up


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (Wilson 1927), impressions taken as independent.

    Attributes:
        value: `accepted` / `matured`; None if nothing is matured.
        low: Lower bound.
        high: Upper bound.
    """

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, accepted: int, matured: int) -> Rate:
        """Compute the rate.

        Example:
            >>> rate = Rate.of(10, 100)
            >>> rate.value, round(rate.low, 4), round(rate.high, 4)
            (0.1, 0.0552, 0.1744)
            >>> Rate.of(0, 0)
            Rate(value=None, low=None, high=None)
        """
        if not matured:
            return cls(None, None, None)
        low, high = wilson_interval(accepted, matured)
        return cls(accepted / matured, float(low), float(high))


@dataclass(frozen=True, slots=True)
class DateSpan:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> DateSpan:
        """Return the period of so many days that ends with a day.

        Example:
            >>> DateSpan.ending(date(2026, 6, 28), 28).before()
            DateSpan(first=datetime.date(2026, 5, 4), last=datetime.date(2026, 5, 31))
        """
        return cls(last - timedelta(days=days - 1), last)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def before(self) -> DateSpan:
        """Return the period of the same length before this one."""
        return DateSpan.ending(self.first - timedelta(days=1), self.days)

    def of(self, table: pa.Table) -> pa.Table:
        """Return the rows of these days."""
        day = table["day"]
        inside = pc.and_(pc.greater_equal(day, pa.scalar(self.first)), pc.less_equal(day, pa.scalar(self.last)))
        return table.filter(inside)


def acceptance(table: pa.Table, by: Sequence[str]) -> list[dict[str, Any]]:
    """Return counts and rates by some keys: a row per combination that occurs, with `rate`, `low` and `high`.

    Args:
        table: Daily responses; filter it to one group, because rates of different groups must not be mixed.
        by: Columns of `serving.figures.daily_responses.SCHEMA`.
    """
    rows: list[dict[str, Any]] = added_up(table, by).to_pylist()
    for row in rows:
        rate = Rate.of(row["accepted"], row["matured"])
        row |= {"rate": rate.value, "low": rate.low, "high": rate.high}
    return rows


def last_day(table: pa.Table) -> date | None:
    """Return the last day of daily responses; None if there are none."""
    found: date | None = pc.max(table["day"]).as_py()
    return found


def last_matured_day(table: pa.Table) -> date | None:
    """Return the last day of which every impression, and every earlier one, is matured; None if there is none."""
    if not len(table):
        return None
    rows = added_up(table, ["day"]).to_pylist()
    young = [row["day"] for row in rows if row["matured"] < row["presented"]]
    last: date = min(young) - timedelta(days=1) if young else rows[-1]["day"]
    return last if last >= rows[0]["day"] else None
