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


@dataclass(frozen=True, slots=True)
class Support:
    """What the weights of n decisions say.

    Attributes:
        decisions: Number of logged decisions.
        effective: Number of decisions of the evaluated policy that would tell as much: (sum w)^2 / sum w^2.
        mean_weight: Mean weight; 1 where the logging policy could make every decision of the evaluated one.
        outside: Share of the evaluated policy's decisions that the logging policy never made; its estimate is
            1 - mean weight, with an interval that may include 0.
        largest_weight: The largest weight.
        weight_of_largest: Share of all weight that the `LARGEST` share of decisions has.
    """

    decisions: int
    effective: float
    mean_weight: Estimate
    outside: Estimate
    largest_weight: float
    weight_of_largest: float


def effective_decisions(weight: Array) -> float:
    """Return (sum w)^2 / sum w^2 (Kish 1965); 0 if no decision has any weight."""
    total = float(weight.sum())
    return total**2 / float(weight @ weight) if total else 0.0


def support_of(logged: LoggedDecisions) -> Support:
    """Describe the weights."""
    weight = logged.weight
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
    )
