"""The value of slates: several offers shown at once, in order, each with its own answer."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from decisioning.off_policy.intervals import ratio_estimate
from decisioning.off_policy.logged import customer_units
from domain.errors import DataError
from domain.estimate import Estimate
from expressions.types import Array


class SlateModel(StrEnum):
    """What the answer to one slot depends on; the more it may depend on, the larger the weights."""

    ALL = "all"
    """Every slot (no assumption)."""

    CASCADE = "cascade"
    """The slot and those before it, as when people read from top to bottom (McInerney et al. 2020)."""

    INDEPENDENT = "independent"
    """The slot alone (Li et al. 2018)."""


def slate_value(
    reward: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    *,
    model: SlateModel = SlateModel.CASCADE,
    customer: ArrayLike | None = None,
) -> Estimate:
    """Estimate what slates of another policy earn.

    Args:
        reward: What came of each slot, shape (n, slots); NaN where a slate was shorter.
        probability: Probability with which the logging policy put the offer into the slot, given the slots before.
        target: The same of the evaluated policy.
        model: What the answer to one slot depends on.
        customer: Ids, shape (n,).

    Raises:
        DataError: Shapes differ, or something cannot be a probability.

    Example:
        >>> always = slate_value([[1.0, 0.0]] * 40, [[0.5, 0.5]] * 40, [[0.5, 0.5]] * 40)
        >>> always.value
        1.0
    """
    rewards, logged, evaluated = (np.asarray(each, dtype=np.float64) for each in (reward, probability, target))
    if rewards.ndim != 2 or not len(rewards) or not rewards.shape == logged.shape == evaluated.shape:
        raise DataError(
            "reward, probability and target of slates have other shapes",
            got=f"{rewards.shape}, {logged.shape}, {evaluated.shape}",
            expected="(decisions, slots) for all three",
        )
    shown = ~np.isnan(rewards)
    possible = (logged > 0.0) & (logged <= 1.0) & (evaluated >= 0.0) & (evaluated <= 1.0)
    if not possible[shown].all():
        raise DataError(
            "probabilities of slots are not usable",
            got=f"{int((shown & ~possible).sum()):,} of {int(shown.sum()):,} slots",
            expected="logged ones above 0 and at most 1, evaluated ones from 0 to 1",
        )
    weight = _weights(np.divide(evaluated, logged, out=np.ones_like(logged), where=shown), model)
    earned = (weight * np.where(shown, rewards, 0.0)).sum(axis=1)
    return ratio_estimate(earned, np.ones(len(earned)), *customer_units(customer, len(earned)))


def _weights(ratios: Array, model: SlateModel) -> Array:
    match model:
        case SlateModel.ALL:
            return np.broadcast_to(ratios.prod(axis=1, keepdims=True), ratios.shape)
        case SlateModel.CASCADE:
            return np.cumprod(ratios, axis=1, dtype=np.float64)
        case SlateModel.INDEPENDENT:
            return ratios
