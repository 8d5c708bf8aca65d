"""Budgets during the day: what is left of them, what a decision claims, and prices raised where they go too fast."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, get_args

import numpy as np
from sqlalchemy import bindparam, or_, select

from decisioning.allocation.pacing import DayPlan, Pacing
from decisioning.allocation.prices import Prices
from decisioning.budgets.budget import Period
from decisioning.budgets.period import period_of, share_of_period_gone
from decisioning.engine import Decisions, as_datetime
from decisioning.policies.compiled import CompiledPolicy
from records.database import Database
from records.decision_writes import UNIT, Claim
from records.schema import SPENDING
from records.statements import Statement

_SPENT: Final = Statement(
    select(SPENDING).where(or_(*(SPENDING.c.period == bindparam(kind) for kind in get_args(Period))))
)


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
        rows = _SPENT.rows(connection, **asked)
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
            float(decisions.scores.uses[place][customer, columns.index(candidate)])
            for candidate in candidates
            if candidate in columns
        )
        if used > 0:
            period = period_of(budget, moment, policy.time_zone)
            claims.append(Claim(budget.name, period, math.ceil(used * UNIT), math.floor(budget.amount * UNIT)))
    return tuple(claims)


class PacedPrices:
    """Prices of budgets, given what is left of them.

    A batch run plans with an equal part of a budget for each day left in its period, and is charged at once. So at
    midnight spending is on course for the end of the day, and the prices are those of the batch run. What decisions
    during the day use beyond that course raises the prices, as in `decisioning.allocation.pacing`. Prices never fall
    below those of the batch run: a quiet morning does not make a scarce budget cheap.

    Args:
        policy: Policy with the budgets.
        prices: Prices of the batch run.
        pacing: How strongly prices react.
    """

    def __init__(self, policy: CompiledPolicy, prices: Mapping[str, float], pacing: Pacing | None = None) -> None:
        self._zone = policy.time_zone
        self._prices = dict(prices)
        priced = [compiled.budget for compiled in policy.budgets if prices.get(compiled.budget.name, 0.0) > 0.0]
        self._plans = [
            (budget, _plan(prices[budget.name], budget.amount, pacing or Pacing()))
            for budget in priced
            if budget.amount > 0.0
        ]

    def now(self, remaining: Mapping[str, float], moment: datetime) -> dict[str, float]:
        """Return the prices at a moment.

        Args:
            remaining: What is left of each budget in its period, in the budget's unit.
            moment: Aware moment.
        """
        prices = dict(self._prices)
        for budget, plan in self._plans:
            left = min(remaining.get(budget.name, budget.amount), budget.amount)
            units = plan.ledger.units(0, np.array([left]))
            paced = float(plan.prices_now(units, share_of_period_gone(budget, moment.astimezone(self._zone)))[0])
            prices[budget.name] = max(prices[budget.name], paced)
        return prices


def _plan(price: float, amount: float, pacing: Pacing) -> DayPlan:
    night = Prices(np.array([price]), bound=0.0, lowest=0.0, passes=0, sample_passes=0, converged=True)
    return DayPlan.of(night, np.array([amount]), pacing)
