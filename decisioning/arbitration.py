"""What each candidate is worth now, and in which order the allowed ones stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.compiled import MINIMUM_PRIORITY, SCORED, VALUE_KNOWN, CompiledPolicy, CompiledWeight
from decisioning.situation import Situation
from decisioning.verdicts import Bits, mark
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class Worth:
    """The numbers of every candidate, each of shape (n, m).

    Attributes:
        propensity: As scored; NaN where it was no probability.
        value: Of an acceptance, in the bank's currency; NaN where it could not be computed.
        context: Product of the situation's weights that hold.
        lever: Product of the levers that hold.
        cost: Expected: `propensity * offer.cost + treatment.cost`.
        priority: What candidates are ranked by; NaN where any part is unknown.
    """

    propensity: Array
    value: Array
    context: Array
    lever: Array
    cost: Array
    priority: Array


def weigh(policy: CompiledPolicy, situation: Situation, propensity: Array) -> Worth:
    """Compute the priority of every candidate.

        priority = propensity x weighted value - (propensity x offer.cost + treatment.cost)
        weighted value = value x context x lever where value > 0, else value

    An expected margin in the bank's currency. It is the design's `P x V x C x L - sum of price x cost` with money as
    the one resource, at its own price of 1; budgets add their prices to the same sum. Costs stand outside the
    product, because wishes do not make a bonus or a call dearer, and weights do not multiply a loss, so that a
    higher weight never lowers an offer.

    Args:
        policy: The policy.
        situation: Of n customers.
        propensity: Shape (n, m); every candidate needs one, those of service too: the model scores all offers, since
            the history has answers to all. What is NaN or not between 0 and 1 is rejected by the rule `scored`.
    """
    shape = (situation.customers, len(policy.candidates))
    probable = np.where((propensity >= 0.0) & (propensity <= 1.0), propensity, np.nan)
    value = np.full(shape, np.nan)
    for formula in policy.values:
        if len(formula.columns):
            value[:, formula.columns] = formula.values(situation)
    value[~np.isfinite(value)] = np.nan
    context = _product(policy.context, situation, shape)
    lever = _product(policy.levers, situation, shape)
    columns = policy.candidates.columns
    cost = probable * columns["offer_cost"] + columns["contact_cost"]
    with np.errstate(over="ignore", invalid="ignore"):
        priority = probable * np.where(value > 0.0, value * context * lever, value) - cost
    priority[~np.isfinite(priority)] = np.nan
    return Worth(probable, value, context, lever, cost, priority)


def reject_unworthy(policy: CompiledPolicy, worth: Worth, bits: Bits) -> None:
    """Set the bits of the rules about the numbers: unknown ones, and priorities below the least."""
    mark(bits, policy.bit(SCORED), np.isnan(worth.propensity))
    mark(bits, policy.bit(VALUE_KNOWN), np.isnan(worth.value))
    known = ~np.isnan(worth.propensity) & ~np.isnan(worth.value)
    mark(bits, policy.bit(MINIMUM_PRIORITY), known & ~(worth.priority >= policy.policy.minimum_priority))


def best_candidate(priority: Array, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find each customer's best candidate over all channels; of equals the first in the catalogue.

    Returns:
        Shape (n,), position of the candidate; -1 where none is allowed.

    Example:
        >>> best_candidate(np.array([[1.0, 3.0, 3.0], [1.0, 1.0, 1.0]]), np.array([[True, True, True], [False] * 3]))
        array([ 1, -1])
    """
    if not priority.shape[1]:
        return np.full(len(priority), -1, dtype=np.intp)
    best = np.where(allowed, priority, -np.inf).argmax(axis=1)
    return np.where(allowed.any(axis=1), best, -1)


def _product(weights: tuple[CompiledWeight, ...], situation: Situation, shape: tuple[int, int]) -> Array:
    product = np.ones(shape)
    for weight in weights:
        if not len(weight.columns):
            continue
        if weight.condition is None:
            product[:, weight.columns] *= weight.factor
        else:
            product[:, weight.columns] *= np.where(weight.condition.holds(situation), weight.factor, 1.0)
    return product
