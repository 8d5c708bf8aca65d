"""The period of a budget that a day belongs to: its first and last day, its name, and what a day may use of it."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from decisioning.budgets.budget import Budget


def period_of(budget: Budget, moment: datetime, zone: tzinfo) -> str:
    """Return the first day of the period a moment belongs to; a campaign has a single period.

    Example:
        >>> from datetime import UTC
        >>> monthly = Budget(name="calls", amount=100, unit="calls", period="month")
        >>> period_of(monthly, datetime(2026, 11, 25, 12, tzinfo=UTC), UTC)
        '2026-11-01'
    """
    first, _ = _span(budget, moment.astimezone(zone).date())
    return "campaign" if budget.period == "campaign" or first is None else first.isoformat()


def share_of_period_gone(budget: Budget, local: datetime) -> float:
    """Return the share of a budget's period that is over when the day ends; 1 for a campaign without both dates.

    Example:
        >>> monthly = Budget(name="bonus", amount=100, unit="EUR", period="month")
        >>> share_of_period_gone(monthly, datetime(2026, 6, 15, 12))
        0.5
    """
    today = local.date()
    first, last = _span(budget, today)
    if first is None or last is None:
        return 1.0
    return min(1.0, max(0, (today - first).days + 1) / ((last - first).days + 1))


def batch_capacity(budget: Budget, remaining: float, today: date) -> float:
    """Return how much of a budget the contacts of one day may use: an equal part for each remaining day of its period.

    Args:
        budget: The budget.
        remaining: What is left of it in its period.
        today: Day of the contacts, in the bank's time zone.

    Returns:
        Amount in the budget's unit; infinite before its first day. A campaign without a last day may be spent at once.

    Example:
        >>> bonus = Budget(name="bonus", unit="EUR", amount=3000, period="month")
        >>> batch_capacity(bonus, 3000, date(2026, 6, 1)), batch_capacity(bonus, 100, date(2026, 6, 30))
        (100.0, 100.0)
    """
    if budget.valid_from is not None and today < budget.valid_from:
        return float("inf")
    if budget.valid_until is not None and today > budget.valid_until:
        return 0.0
    ends = [day for day in (_span(budget, today)[1], budget.valid_until) if day is not None]
    return remaining / ((min(ends) - today).days + 1) if ends else remaining


def batch_capacities(budgets: Sequence[Budget], remaining: Mapping[str, float], today: date) -> dict[str, float]:
    """Return the capacity of every budget; budgets missing from `remaining` have their full amount left."""
    return {budget.name: batch_capacity(budget, remaining.get(budget.name, budget.amount), today) for budget in budgets}


def _span(budget: Budget, today: date) -> tuple[date | None, date | None]:
    """Return the first and the last day of the period; None where a campaign does not say."""
    match budget.period:
        case "day":
            return today, today
        case "week":
            monday = today - timedelta(days=today.weekday())
            return monday, monday + timedelta(days=6)
        case "month":
            return today.replace(day=1), today.replace(day=calendar.monthrange(today.year, today.month)[1])
        case "campaign":
            return budget.valid_from, budget.valid_until
