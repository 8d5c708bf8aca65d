"""The parts of one customer's priorities, each solved for the value that brings a candidate to a target priority."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.candidates import Columns
from decisioning.policies.compiled import CompiledBudget
from expressions.types import Array


class CustomerPriorities:
    """The numbers behind the priorities of one customer's candidates in a channel.

    Candidates are identified by their place in the channel. As in `decisioning.arbitration.scores.score_candidates`,

        priority = propensity x value x context x lever - cost - sum over budgets of price x use

    where weights do not apply to a value of 0 or less, and what the policy's factors leave out counts as 1 or 0.

    Args:
        decisions: Decisions for any number of customers.
        customer: Position of the customer.
        columns: Positions of the channel's candidates.
    """

    def __init__(self, decisions: Decisions, customer: int, columns: Columns) -> None:
        scores, self._factors = decisions.scores, decisions.policy.policy.factors
        self._decisions, self._customer, self._columns = decisions, customer, columns
        self._propensity: Array = scores.propensity[customer, columns]
        self._priority: Array = scores.priority[customer, columns]
        ones = np.ones(len(columns))
        self._plain = scores.value[customer, columns] if self._factors.value else ones
        context = scores.context[customer, columns] if self._factors.context else ones
        lever = scores.lever[customer, columns] if self._factors.levers else ones
        self._weight: Array = context * lever
        self._gain: Array = np.where(self._plain > 0.0, self._plain * self._weight, self._plain)
        self._chance = self._propensity if self._factors.propensity else ones
        self._cost = scores.cost[customer, columns]
        costs = self._cost if self._factors.costs else 0.0 * ones
        prices = scores.budget_cost[customer, columns] if self._factors.prices else 0.0 * ones
        self._charged: Array = costs + prices

    def priority(self, place: int) -> float:
        """Return the candidate's priority; NaN if unknown."""
        return float(self._priority[place])

    def lever_factor(self, place: int, target: float) -> float | None:
        """Return the factor on the lever at which the priority is `target`; None if there is none."""
        reward = float(self._chance[place] * self._gain[place])
        if not self._factors.levers or not self._plain[place] > 0.0 or not reward > 0.0:
            return None
        return (target + float(self._charged[place])) / reward

    def value(self, place: int, target: float) -> float | None:
        """Return the value at which the priority is `target`; None if there is none."""
        needed, chance = target + float(self._charged[place]), float(self._chance[place])
        chance *= float(self._weight[place]) if needed > 0.0 else 1.0
        return needed / chance if self._factors.value and chance > 0.0 else None

    def propensity(self, place: int, target: float) -> float | None:
        """Return the propensity at which the priority is `target`; None if there is none that budgets allow."""
        column = int(self._columns[place])
        slope = float(self._gain[place]) if self._factors.propensity else 0.0
        if self._factors.costs:
            slope -= float(self._decisions.policy.candidates.columns["offer_cost"][column])
        charges = [(budget, self._charge(budget, column)) for budget in self._on_acceptance(column)]
        if self._factors.prices:
            slope -= sum(self._price(budget) * charge for budget, charge in charges)
        if not slope > 0.0:
            return None
        needed = float(self._propensity[place]) + (target - self.priority(place)) / slope
        affordable = all(charge * needed <= self._decisions.remaining[b.budget.name] for b, charge in charges)
        return needed if needed <= 1.0 and affordable else None

    def cost_reduction(self, place: int, target: float) -> float | None:
        """Return by how much the expected cost would have to fall; None if even a cost of 0 is not enough."""
        short = target - self.priority(place)
        return short if self._factors.costs and short <= float(self._cost[place]) else None

    def prices(self, place: int, rivals: NDArray[np.intp], least: float | None) -> dict[str, float]:
        """Return each budget's price, closest to today's, at which the candidate comes first.

        At a price x of one budget each candidate has `base - x use`, so the prices at which it is at least as good as
        all rivals and the minimum priority form an interval.

        Args:
            place: Place of the candidate.
            rivals: Places of the candidates it has to match.
            least: Priority it needs; None for none.
        """
        found: dict[str, float] = {}
        if not self._factors.prices:
            return found
        for number, budget in enumerate(self._decisions.policy.budgets):
            price, use = self._price(budget), self._uses(number, budget)
            base = np.where(np.isnan(self._priority), 0.0, self._priority + price * use)
            use = np.where(np.isnan(self._priority), 0.0, use)
            more, ahead = use[place] - use[rivals], base[place] - base[rivals]
            if least is not None:
                more, ahead = np.append(more, use[place]), np.append(ahead, base[place] - least)
            if (ahead[more == 0.0] < 0.0).any():
                continue
            highest = (ahead[more > 0.0] / more[more > 0.0]).min(initial=np.inf)
            lowest = (ahead[more < 0.0] / more[more < 0.0]).max(initial=0.0)
            if lowest <= highest:
                found[budget.budget.name] = float(np.clip(price, lowest, highest))
        return found

    def _price(self, budget: CompiledBudget) -> float:
        return self._decisions.prices.get(budget.budget.name, 0.0)

    def _uses(self, number: int, budget: CompiledBudget) -> Array:
        """Return how much of a budget each candidate of the channel uses; 0 if it does not, or if unknown."""
        uses = np.zeros(len(self._decisions.policy.candidates))
        uses[budget.columns] = self._decisions.scores.uses[number][self._customer]
        return np.nan_to_num(uses[self._columns])

    def _on_acceptance(self, column: int) -> list[CompiledBudget]:
        budgets = self._decisions.policy.budgets
        return [b for b in budgets if b.budget.charged_on == "acceptance" and column in b.columns]

    def _charge(self, budget: CompiledBudget, column: int) -> float:
        """Return the charge of one acceptance, independent of the propensity."""
        assert budget.charge is not None, "a candidate of a budget without a charge is rejected"
        shape = (len(self._decisions), len(budget.columns))
        charges = np.broadcast_to(budget.charge.values(self._decisions.evaluation_context), shape)
        return float(charges[self._customer, budget.columns.tolist().index(column)])
