"""Candidate scores: the priority of each candidate, and the candidates that are rejected because of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.compiled import MINIMUM_PRIORITY, SCORED, VALUE_KNOWN, CompiledBudget, CompiledPolicy
from decisioning.policies.draws import Arm, Arms
from decisioning.policies.policy import Factors
from decisioning.policies.policy_program import PolicyAnswers
from decisioning.policies.verdicts import Bits, mark
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """The numbers of every candidate, each of shape (n, m).

    Attributes:
        propensity: Probability of acceptance; NaN if invalid, or if the customer does not want personalised offers.
        value: Value of an acceptance, in the bank's currency; NaN if it could not be computed.
        context: Product of the context weights that apply.
        lever: Product of the levers that apply.
        cost: Expected cost: `propensity * offer.cost + treatment.cost`.
        budget_cost: Expected use of budgets, at their prices.
        priority: Number by which candidates are ranked; NaN if any part is unknown.
        uses: For each budget, shape (n, its candidates): expected use if the offer is made; NaN where unknown or
            negative.
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
    policy: CompiledPolicy, answers: PolicyAnswers, propensity: Array, arm: Arms, prices: Mapping[str, float]
) -> CandidateScores:
    """Compute the priority of every candidate.

        priority = propensity x weighted value - cost - sum over budgets of price x expected use
        weighted value = value x context x lever where value > 0, else value
        cost = propensity x offer.cost + treatment.cost

    The priority is an expected margin in the bank's currency. Costs are outside the product because weights do not
    change the cost of a bonus or a call. Weights do not multiply a loss, so a higher weight never lowers an offer.
    Factors that the policy's `factors` leave out count as 1, costs and prices as 0.

    Args:
        policy: The compiled policy.
        answers: What the policy's expressions say of n customers.
        propensity: Shape (n, m). Every commercial candidate needs a propensity; values that are NaN or not between 0
            and 1 are rejected by the rule `scored`.
        arm: Arm of each customer, shape (n,).
        prices: Price of one unit of each budget, by name; 0 for budgets that are not named.
    """
    value, context, lever = answers.value, answers.context, answers.lever
    probable = np.where((propensity >= 0.0) & (propensity <= 1.0), propensity, np.nan)
    hidden = arm == Arm.NOT_PERSONALISED
    if hidden.any():
        probable[hidden] = np.nan
    columns = policy.candidates.columns
    cost = probable * columns["offer_cost"] + columns["contact_cost"]
    uses = tuple(
        _use(budget, charge, probable, hidden) for budget, charge in zip(policy.budgets, answers.charges, strict=True)
    )
    budget_cost = np.zeros_like(probable)
    for budget, use in zip(policy.budgets, uses, strict=True):
        price = prices.get(budget.budget.name, 0.0)
        if price:
            budget_cost[:, budget.columns] += price * use
    factors = policy.policy.factors
    priority = _priority(factors, probable, _gain(factors, value, context, lever), _cost(factors, cost, budget_cost))
    return CandidateScores(probable, value, context, lever, cost, budget_cost, priority, uses)


def priority_of(scores: CandidateScores, factors: Factors, rows: NDArray[np.intp] | slice = slice(None)) -> Array:
    """Compute the priority again with other factors, for some of the customers: shape (rows, m)."""
    gain = _gain(factors, scores.value[rows], scores.context[rows], scores.lever[rows])
    return _priority(
        factors, scores.propensity[rows], gain, _cost(factors, scores.cost[rows], scores.budget_cost[rows])
    )


def _gain(factors: Factors, value: Array, context: Array, lever: Array) -> Array:
    """Weigh the value of an acceptance."""
    with np.errstate(over="ignore", invalid="ignore"):
        plain = value if factors.value else np.ones_like(value)
        weighted = plain * context if factors.context else plain
        weighted = weighted * lever if factors.levers else weighted
    return weighted if weighted is plain else np.where(plain > 0.0, weighted, plain)


def _cost(factors: Factors, cost: Array, budget_cost: Array) -> list[Array]:
    """Return what is subtracted: one after the other, as floating-point sums depend on the order."""
    return [amount for amount, counts in ((cost, factors.costs), (budget_cost, factors.prices)) if counts]


def _priority(factors: Factors, propensity: Array, gain: Array, costs: Sequence[Array]) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        priority = propensity * gain if factors.propensity else gain.copy()
        for cost in costs:
            priority -= cost
    priority[~np.isfinite(priority)] = np.nan
    return priority


def reject_below_minimum(policy: CompiledPolicy, scores: CandidateScores, bits: Bits) -> None:
    """Set the bits of the score rules for commercial candidates: unknown numbers, and too low a priority."""
    columns = policy.scored
    propensity, value = scores.propensity[:, columns], scores.value[:, columns]
    mark(bits, policy.bit(SCORED), np.isnan(propensity), columns)
    mark(bits, policy.bit(VALUE_KNOWN), np.isnan(value), columns)
    known = ~np.isnan(propensity) & ~np.isnan(value)
    too_low = ~(scores.priority[:, columns] >= policy.policy.minimum_priority)
    mark(bits, policy.bit(MINIMUM_PRIORITY), known & too_low, columns)


def reject_unaffordable(
    policy: CompiledPolicy, scores: CandidateScores, remaining: Mapping[str, float], bits: Bits
) -> None:
    """Set the bits of the budget rules: candidates whose use is not known to fit what is left are rejected.

    Args:
        policy: The compiled policy.
        scores: Candidate scores with their `uses`.
        remaining: What is left of each budget, by name.
        bits: Failing rules; changed in place.
    """
    for budget, use in zip(policy.budgets, scores.uses, strict=True):
        if len(budget.columns):
            mark(bits, budget.bit, ~(use <= remaining[budget.budget.name]), budget.columns)


def with_propensity(
    policy: CompiledPolicy, scores: CandidateScores, rows: NDArray[np.intp], propensity: Array
) -> Array:
    """Compute the priority of some customers' candidates with other propensities: shape (rows, m).

    The use of budgets is not recomputed, so that an experiment spends no more than expected.
    """
    columns = policy.candidates.columns
    cost = propensity * columns["offer_cost"] + columns["contact_cost"]
    factors = policy.policy.factors
    gain = _gain(factors, scores.value[rows], scores.context[rows], scores.lever[rows])
    return _priority(factors, propensity, gain, _cost(factors, cost, scores.budget_cost[rows]))


def best_candidate(keys: Array, offer_class: NDArray[np.int8], allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find each customer's best candidate over all channels; ties go to the first in the catalogue.

    Args:
        keys: Sort keys, shape (n, m), finite where allowed.
        offer_class: Class of each candidate, shape (m,), 0 for the class that comes first.
        allowed: Whether the candidate passed all rules, shape (n, m).

    Returns:
        Shape (n,), position of the candidate; -1 if none is allowed.

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


def _use(budget: CompiledBudget, charge: Array, probable: Array, hidden: NDArray[np.bool_]) -> Array:
    """Compute the expected use of a budget by each of its candidates; the full charge where scores are not used."""
    if budget.charge is None:
        return np.full((len(probable), len(budget.columns)), np.nan)
    use = np.where(charge >= 0.0, charge, np.nan)
    if budget.budget.charged_on == "acceptance":
        use *= np.where(hidden[:, None], 1.0, probable[:, budget.columns])
    return use
