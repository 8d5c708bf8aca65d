"""Capacity of each budget for one batch run."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date

from decisioning.policies.budgets import Budget


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
    return remaining / _days_left(budget, today)


def batch_capacities(budgets: Sequence[Budget], remaining: Mapping[str, float], today: date) -> dict[str, float]:
    """Return the capacity of every budget; budgets missing from `remaining` have their full amount left."""
    return {budget.name: batch_capacity(budget, remaining.get(budget.name, budget.amount), today) for budget in budgets}


def _days_left(budget: Budget, today: date) -> int:
    match budget.period:
        case "day":
            days = 1
        case "week":
            days = 8 - today.isoweekday()
        case "month":
            days = calendar.monthrange(today.year, today.month)[1] - today.day + 1
        case "campaign":
            return 1 if budget.valid_until is None else (budget.valid_until - today).days + 1
    if budget.valid_until is not None:
        days = min(days, (budget.valid_until - today).days + 1)
    return days
