"""Remaining budgets at a moment, validated. Budget that is not known to be left is not spent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from decisioning.policies.compiled import CompiledPolicy
from domain.errors import DataError, nearest


def remaining_at(
    policy: CompiledPolicy, remaining: Mapping[str, float], prices: Mapping[str, float], as_of: datetime
) -> dict[str, float]:
    """Return what candidates may use of each budget of a policy.

    Args:
        policy: The compiled policy.
        remaining: What is left of each budget, by name; the full amount for budgets that are not named.
        prices: Price of one unit of each budget, by name; only validated.
        as_of: Decision time, aware. Before a budget's first day its candidates are not limited; after its last day
            nothing is left.

    Raises:
        DataError: If a name is not a budget, or a number is not at least 0.
    """
    names = [compiled.budget.name for compiled in policy.budgets]
    for what, numbers in (("what remains of a budget", remaining), ("the price of a budget", prices)):
        for name, number in numbers.items():
            if name not in names:
                raise DataError("unknown budget", got=f"'{name}'", expected=nearest(name, names))
            if not number >= 0.0:
                raise DataError(f"{what} is invalid", got=f"{name}: {number}", expected="a number of at least 0")
    today = as_of.astimezone(policy.time_zone).date()
    left = {}
    for compiled in policy.budgets:
        budget = compiled.budget
        if budget.valid_from is not None and today < budget.valid_from:
            left[budget.name] = float("inf")
        elif budget.valid_until is not None and today > budget.valid_until:
            left[budget.name] = 0.0
        else:
            left[budget.name] = float(remaining.get(budget.name, budget.amount))
    return left
