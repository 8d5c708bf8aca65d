"""What each candidate is worth now, and which of them the numbers reject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.arms import Arm, Arms
from decisioning.policies.compiled import (
    MINIMUM_PRIORITY,
    SCORED,
    VALUE_KNOWN,
    CompiledBudget,
    CompiledPolicy,
    CompiledWeight,
)
from decisioning.policies.evaluation_context import EvaluationContext
from decisioning.policies.policy import Factors
from decisioning.policies.verdicts import Bits, mark
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """The numbers of every candidate, each of shape (n, m).

    Attributes:
        propensity: As scored; NaN where it was no probability, or the customer wants no personalised offers.
        value: Of an acceptance, in the bank's currency; NaN where it could not be computed.
        context: Product of the situation's weights that hold.
        lever: Product of the levers that hold.
        cost: Expected: `propensity * offer.cost + treatment.cost`.
        budget_cost: What the candidate uses of budgets, at their prices.
        priority: What candidates are ranked by; NaN where any part is unknown.
        uses: For each budget, shape (n, its candidates): how much of it an offer made is expected to use; NaN where
            that is unknown or negative.
    """

    propensity: Array
    value: Array
    context: Array
    lever: Array
    cost: Array
    budget_cost: Array
    priority: Array
    uses: tuple[Array, ...]


def score_candidates(
    policy: CompiledPolicy, situation: EvaluationContext, propensity: Array, arm: Arms, prices: Mapping[str, float]
) -> CandidateScores:
    """Compute the priority of every candidate.

        priority = propensity x weighted value - cost - sum over budgets of price x expected use
        weighted value = value x context x lever where value > 0, else value
        cost = propensity x offer.cost + treatment.cost

    An expected margin in the bank's currency. Costs stand outside the product, because wishes do not make a bonus or
    a call dearer, and weights do not multiply a loss, so that a higher weight never lowers an offer. What the
    policy's `factors` leave out counts as 1, a cost or price as 0.

    Args:
        policy: The policy.
        situation: Of n customers.
        propensity: Shape (n, m); every commercial candidate needs one: the model scores all offers, since the history
            has answers to all. What is NaN or not between 0 and 1 is rejected by the rule `scored`.
        arm: Shape (n,).
        prices: Of one unit of each budget, by name; 0 for one that is not named.
    """
    shape = (situation.customers, len(policy.candidates))
    probable = np.where((propensity >= 0.0) & (propensity <= 1.0), propensity, np.nan)
    hidden = arm == Arm.NOT_PERSONALISED
    if hidden.any():
        probable[hidden] = np.nan
    value = np.full(shape, np.nan)
    with np.errstate(all="ignore"):
        for formula in policy.values:
            if len(formula.columns):
                value[:, formula.columns] = formula.values_quietly(situation)
    value[~np.isfinite(value)] = np.nan
    context = _product(policy.context, situation, shape)
    lever = _product(policy.levers, situation, shape)
    columns = policy.candidates.columns
    cost = probable * columns["offer_cost"] + columns["contact_cost"]
    uses = tuple(_use(budget, situation, probable, hidden) for budget in policy.budgets)
    budget_cost = np.zeros(shape)
    for budget, use in zip(policy.budgets, uses, strict=True):
        price = prices.get(budget.budget.name, 0.0)
        if price:
            budget_cost[:, budget.columns] += price * use
    priority = _priority(policy.policy.factors, probable, value, context, lever, cost, budget_cost)
    return CandidateScores(probable, value, context, lever, cost, budget_cost, priority, uses)


def priority_of(worth: CandidateScores, factors: Factors, rows: NDArray[np.intp] | slice = slice(None)) -> Array:
    """Compute the priority again from fewer or more numbers, for some of the customers: shape (rows, m)."""
    numbers = (worth.propensity, worth.value, worth.context, worth.lever, worth.cost, worth.budget_cost)
    return _priority(factors, *(number[rows] for number in numbers))


def _priority(
    factors: Factors, propensity: Array, value: Array, context: Array, lever: Array, cost: Array, budget_cost: Array
) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        plain = value if factors.value else np.ones_like(value)
        weighted = plain * context if factors.context else plain
        weighted = weighted * lever if factors.levers else weighted
        gain = weighted if weighted is plain else np.where(plain > 0.0, weighted, plain)
        priority = propensity * gain if factors.propensity else gain.copy()
        if factors.costs:
            priority -= cost
        if factors.prices:
            priority -= budget_cost
    priority[~np.isfinite(priority)] = np.nan
    return priority


def reject_below_minimum(policy: CompiledPolicy, worth: CandidateScores, bits: Bits) -> None:
    """Set the bits of the rules about the numbers of commercial candidates: unknown ones, and too low a priority."""
    columns = policy.scored
    propensity, value = worth.propensity[:, columns], worth.value[:, columns]
    mark(bits, policy.bit(SCORED), np.isnan(propensity), columns)
    mark(bits, policy.bit(VALUE_KNOWN), np.isnan(value), columns)
    known = ~np.isnan(propensity) & ~np.isnan(value)
    too_low = ~(worth.priority[:, columns] >= policy.policy.minimum_priority)
    mark(bits, policy.bit(MINIMUM_PRIORITY), known & too_low, columns)


def reject_unaffordable(
    policy: CompiledPolicy, worth: CandidateScores, remaining: Mapping[str, float], bits: Bits
) -> None:
    """Set the bits of the rules about budgets: what is not surely within what is left is rejected.

    Args:
        policy: The policy.
        worth: Its `uses`.
        remaining: What is left of each budget, by name.
        bits: Changed in place.
    """
    for budget, use in zip(policy.budgets, worth.uses, strict=True):
        if len(budget.columns):
            mark(bits, budget.bit, ~(use <= remaining[budget.budget.name]), budget.columns)


def with_propensity(policy: CompiledPolicy, worth: CandidateScores, rows: NDArray[np.intp], propensity: Array) -> Array:
    """Compute the priority of some customers' candidates as if these were the propensities: shape (rows, m).

    What is used of budgets stays as it is, so that an experiment spends no more than was reckoned with.
    """
    columns = policy.candidates.columns
    cost = propensity * columns["offer_cost"] + columns["contact_cost"]
    numbers = (worth.value[rows], worth.context[rows], worth.lever[rows])
    return _priority(policy.policy.factors, propensity, *numbers, cost, worth.budget_cost[rows])


def best_candidate(keys: Array, offer_class: NDArray[np.int8], allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find each customer's best candidate over all channels; of equals the first in the catalogue.

    Args:
        keys: Shape (n, m), finite where allowed.
        offer_class: Shape (m,), 0 for the class that comes first.
        allowed: Shape (n, m).

    Returns:
        Shape (n,), position of the candidate; -1 where none is allowed.

    Example:
        >>> allowed = np.array([[True, True, True], [False] * 3])
        >>> best_candidate(np.array([[1.0, 3.0, 3.0], [1.0, 1.0, 1.0]]), np.zeros(3, np.int8), allowed)
        array([ 1, -1])
    """
    if not keys.shape[1]:
        return np.full(len(keys), -1, dtype=np.intp)
    classes = np.where(allowed, offer_class, np.int8(127))
    foremost = classes == classes.min(axis=1, keepdims=True)
    best = np.where(allowed & foremost, keys, -np.inf).argmax(axis=1)
    return np.where(allowed.any(axis=1), best, -1)


def _use(budget: CompiledBudget, situation: EvaluationContext, probable: Array, hidden: NDArray[np.bool_]) -> Array:
    """Compute how much of a budget each of its candidates is expected to use; all of it where no score is looked at."""
    shape = (situation.customers, len(budget.columns))
    if budget.charge is None or not len(budget.columns):
        return np.full(shape, np.nan)
    use = np.broadcast_to(budget.charge.values(situation), shape).copy()
    use[~(use >= 0.0)] = np.nan
    if budget.budget.charged_on == "acceptance":
        use *= np.where(hidden[:, None], 1.0, probable[:, budget.columns])
    return use


def _product(weights: tuple[CompiledWeight, ...], situation: EvaluationContext, shape: tuple[int, int]) -> Array:
    product = np.ones(shape)
    for weight in weights:
        if not len(weight.columns):
            continue
        if weight.condition is None:
            product[:, weight.columns] *= weight.factor
        else:
            product[:, weight.columns] *= np.where(weight.condition.holds(situation), weight.factor, 1.0)
    return product
