"""Support: how much of the evaluated policy the logged decisions can speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisioning.off_policy.intervals import ratio_estimate
from decisioning.off_policy.logged import LoggedDecisions
from domain.estimate import Estimate
from expressions.types import Array

LARGEST: Final = 0.01
"""Share of decisions whose weights are reported as the largest."""


BANDS: Final = (0.0, 1.0, 2.0, 5.0, 10.0)
"""Bounds of the bands in which weights are counted; the last band has no upper bound."""


@dataclass(frozen=True, slots=True)
class WeightBand:
    """Decisions whose weights are above one bound and at most another.

    Attributes:
        above: Lower bound; None for the weight 0 alone.
        up_to: Upper bound; None if there is none.
        decisions: Number of logged decisions.
        share_of_weight: Share of all weight; NaN if no decision has any.
    """

    above: float | None
    up_to: float | None
    decisions: int
    share_of_weight: float


@dataclass(frozen=True, slots=True)
class Support:
    """What the weights of n decisions say, known rewards included: such a share of a decision weighs itself.

    Attributes:
        decisions: Number of logged decisions.
        effective: Number of decisions of the evaluated policy that would tell as much: (sum w)^2 / sum w^2.
        mean_weight: Mean weight; 1 where the logging policy could make every decision of the evaluated one.
        outside: Share of the evaluated policy's decisions that the logging policy never made; its estimate is
            1 - mean weight, with an interval that may include 0.
        largest_weight: The largest weight.
        weight_of_largest: Share of all weight that the `LARGEST` share of decisions has.
        bands: Decisions and weight by size of the weight, from 0 upwards (`BANDS`).
    """

    decisions: int
    effective: float
    mean_weight: Estimate
    outside: Estimate
    largest_weight: float
    weight_of_largest: float
    bands: tuple[WeightBand, ...]


def effective_decisions(weight: Array) -> float:
    """Return (sum w)^2 / sum w^2 (Kish 1965); 0 if no decision has any weight."""
    total = float(weight.sum())
    return total**2 / float(weight @ weight) if total else 0.0


def support_of(logged: LoggedDecisions) -> Support:
    """Describe the weights."""
    weight = logged.weight + logged.certain
    total = float(weight.sum())
    mean = ratio_estimate(weight, np.ones(len(weight)), logged.unit, logged.units)
    most = max(1, round(LARGEST * len(weight)))
    largest = np.partition(weight, len(weight) - most)[-most:]
    return Support(
        decisions=len(weight),
        effective=effective_decisions(weight),
        mean_weight=mean,
        outside=Estimate(max(0.0, 1.0 - mean.value), max(0.0, 1.0 - mean.high), max(0.0, 1.0 - mean.low)),
        largest_weight=float(weight.max()),
        weight_of_largest=float(largest.sum()) / total if total else float("nan"),
        bands=_bands(weight),
    )


def _bands(weight: Array) -> tuple[WeightBand, ...]:
    place, count = np.searchsorted(BANDS, weight), len(BANDS) + 1
    decisions, weights = np.bincount(place, minlength=count), np.bincount(place, weight, minlength=count)
    total = float(weights.sum())
    shares = weights / total if total else np.full(count, np.nan)
    bounds = (None, *BANDS, None)
    return tuple(WeightBand(bounds[at], bounds[at + 1], int(decisions[at]), float(shares[at])) for at in range(count))
