"""Budgets during the day: what is left of them, and what a decision claims."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, get_args

import numpy as np
from sqlalchemy import bindparam, or_, select

from decisioning.engine import Decisions, as_datetime
from decisioning.policies.budgets import Budget, Period
from decisioning.policies.compiled import CompiledPolicy
from records.database import Database
from records.decision_writes import UNIT, Claim
from records.schema import SPENDING

_SPENT: Final = select(SPENDING).where(or_(*(SPENDING.c.period == bindparam(kind) for kind in get_args(Period))))


def period_of(budget: Budget, moment: datetime, zone: tzinfo) -> str:
    """Return the first day of the period a moment belongs to; a campaign has a single period.

    Example:
        >>> from datetime import UTC
        >>> monthly = Budget(name="calls", amount=100, unit="calls", period="month")
        >>> period_of(monthly, datetime(2026, 11, 25, 12, tzinfo=UTC), UTC)
        '2026-11-01'
    """
    today = moment.astimezone(zone).date()
    first: date | None
    match budget.period:
        case "day":
            first = today
        case "week":
            first = today - timedelta(days=today.weekday())
        case "month":
            first = today.replace(day=1)
        case "campaign":
            first = None
    return "campaign" if first is None else first.isoformat()


def remaining(database: Database, policy: CompiledPolicy, moment: datetime) -> dict[str, float]:
    """Read what is left of every budget, by name.

    Raises:
        StateError: The database does not answer, so nothing may be spent.
    """
    budgets = {compiled.budget.name: compiled.budget for compiled in policy.budgets}
    if not budgets:
        return {}
    periods = {name: period_of(budget, moment, policy.time_zone) for name, budget in budgets.items()}
    asked = dict.fromkeys(get_args(Period), "") | {b.period: periods[name] for name, b in budgets.items()}
    with database.reading() as connection:
        rows = connection.execute(_SPENT, asked).tuples().all()
    spent = {(name, period): amount for name, period, amount in rows}
    return {
        name: max(0.0, budget.amount - spent.get((name, periods[name]), 0) / UNIT) for name, budget in budgets.items()
    }


def claims_of(decisions: Decisions, customer: int, candidates: Iterable[int]) -> tuple[Claim, ...]:
    """Return what offering candidates to a customer uses of budgets, rounded up so that no sum exceeds a budget.

    Args:
        decisions: Decisions that include the customer's.
        customer: Row of the customer.
        candidates: Columns of the candidates offered.
    """
    policy, moment = decisions.policy, as_datetime(decisions.as_of)
    claims = []
    for place, compiled in enumerate(policy.budgets):
        budget, columns = compiled.budget, compiled.columns.tolist()
        if not np.isfinite(decisions.remaining[budget.name]):
            continue  # the budget does not bind yet
        used = sum(
            float(decisions.worth.uses[place][customer, columns.index(candidate)])
            for candidate in candidates
            if candidate in columns
        )
        if used > 0:
            period = period_of(budget, moment, policy.time_zone)
            claims.append(Claim(budget.name, period, math.ceil(used * UNIT), math.floor(budget.amount * UNIT)))
    return tuple(claims)
