"""Budget prices during the day: raised gently when a budget is spent faster than its period passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from decisioning.allocation.pacing import DayPlan, Pacing
from decisioning.allocation.prices import Prices
from decisioning.budgets.period import share_of_period_gone
from decisioning.policies.compiled import CompiledPolicy


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
