"""Estimators of a policy's value, each as a ratio of sums over decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.off_policy.intervals import difference_estimate, ratio_estimate
from decisioning.off_policy.logged import LoggedDecisions
from decisioning.off_policy.outcome_model import expected_rewards
from domain.estimate import NORMAL, Estimate
from expressions.types import Array

SHARES: Final = (1.0, 0.9999, 0.999, 0.99, 0.95, 0.9, 0.5)
"""Quantiles of the weights at which Switch-DR and shrinkage are tried, from no bias to most."""

ESTIMATORS: Final = {
    "ips": "inverse propensity weights",
    "snips": "the same, self-normalised",
    "dm": "outcome model alone",
    "dr": "doubly robust",
    "switch_dr": "doubly robust, without the largest weights",
    "dr_os": "doubly robust, weights shrunk",
}
"""What each estimator is, by its short name."""

_SLOPE: Final = np.sqrt(6.0) - 1.0
"""Widening of intervals in SLOPE (Tucker and Lee 2021)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """An estimator applied to decisions: its estimate is sum(rows) / sum(over).

    Attributes:
        name: Short name, as in the literature.
        rows: Shape (n,).
        over: Shape (n,); ones, or the weights of a self-normalised estimator.
    """

    name: str
    rows: Array
    over: Array

    def value(self, unit: NDArray[np.intp], units: int) -> Estimate:
        """Estimate the policy's value for each decision, with customers as `intervals.difference_estimate` has them."""
        return ratio_estimate(self.rows, self.over, unit, units)

    def gain(self, rewards: Array, unit: NDArray[np.intp], units: int) -> Estimate:
        """Estimate how much more each decision earns than the rewards that were logged."""
        return difference_estimate(self.rows, self.over, rewards, np.ones(len(rewards)), unit, units)


def all_terms(logged: LoggedDecisions) -> dict[str, Terms]:
    """Apply every estimator.

    With weights w, rewards r, and the outcome model's q for the policy and q for the chosen action; actions whose
    reward is known have no weight and count with their probability:

    - `ips`: w r (Horvitz and Thompson 1952);
    - `snips`: the same over the sum of w (Swaminathan and Joachims 2015);
    - `dm`: q of the policy, the direct method;
    - `dr`: q of the policy + w (r - q), doubly robust (Dudik, Langford and Li 2011), cross-fitted;
    - `switch_dr`: without the correction where w is above a bound (Wang, Agarwal and Dudik 2017);
    - `dr_os`: with w shrunk to b w / (w^2 + b), optimistic shrinkage (Su et al. 2020).

    The bounds of the last two are chosen by SLOPE.
    """
    ones, weight = np.ones(len(logged)), logged.weight
    policy, chosen = expected_rewards(logged)
    residual = logged.reward - chosen
    bounds = np.unique(np.quantile(weight, SHARES))[::-1]
    # one candidate at a time: of ten million decisions each takes 80 MB
    switched = (
        Terms("switch_dr", policy + np.where(weight <= bound, weight, 0.0) * residual, ones) for bound in bounds
    )
    shrunk = (
        Terms("dr_os", policy + weight * (bound**2 / (weight**2 + bound**2)) * residual, ones)
        for bound in bounds[bounds > 0.0]
    )
    weighted, doubly_robust = weight * logged.reward, Terms("dr", policy + weight * residual, ones)
    weighted += logged.certain_reward
    found = [
        Terms("ips", weighted, ones),
        Terms("snips", weighted, weight + logged.certain),
        Terms("dm", policy, ones),
        doubly_robust,
        slope(logged, switched),
        slope(logged, chain([Terms("dr_os", doubly_robust.rows, ones)], shrunk)),
    ]
    return {terms.name: terms for terms in found}


def slope(logged: LoggedDecisions, candidates: Iterable[Terms]) -> Terms:
    """Choose among estimators that are ordered from least bias to least variance (Su, Srinath and Krishnamurthy 2020).

    The last one is taken whose interval meets the intervals of all before it: where it does not, the bias shows.
    """
    found, lower, upper = None, -np.inf, np.inf
    for terms in candidates:
        mean, half = _widened(logged, terms)
        lower, upper = max(lower, mean - half), min(upper, mean + half)
        if lower > upper:
            break
        found = terms
    assert found is not None, "there are candidates, and the first one's interval meets no other"
    return found


def _widened(logged: LoggedDecisions, terms: Terms) -> tuple[float, float]:
    mean = float(terms.rows.mean())
    sums = np.bincount(logged.unit, terms.rows - mean, logged.units)
    return mean, float(NORMAL * _SLOPE * np.sqrt(np.sum(sums**2)) / len(logged))
