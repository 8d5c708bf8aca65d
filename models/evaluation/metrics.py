"""The metrics of this room by name, with what each may be and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric's numbers mean.

    Attributes:
        better: `higher`, `lower`, or `none` where it should be near a value (a slope near 1).
        least: Smallest possible value.
        most: Largest possible value.
    """

    title: str
    better: Literal["higher", "lower", "none"]
    least: float = 0.0
    most: float = 1.0


AUC = "auc"
LOG_LOSS = "log_loss"
BRIER_SKILL = "brier_skill"
CALIBRATION_ERROR = "calibration_error"

METRICS: Mapping[str, Metric] = {
    AUC: Metric("Area under the ROC curve", "higher"),
    "average_precision": Metric("Average precision", "higher"),
    "brier": Metric("Brier score", "lower"),
    BRIER_SKILL: Metric("Brier skill", "higher", least=-inf),
    LOG_LOSS: Metric("Log loss", "lower", most=inf),
    CALIBRATION_ERROR: Metric("Expected calibration error", "lower"),
    "calibration_ratio": Metric("Positives seen per positive said", "none", most=inf),
    "calibration_intercept": Metric("Calibration intercept", "none", least=-inf, most=inf),
    "calibration_slope": Metric("Calibration slope", "none", least=-inf, most=inf),
    "lift_10": Metric("Lift in the best 10 %", "higher", most=10.0),
    "alift": Metric("Area under the gain curve (ALIFT)", "higher"),
    "expected_maximum_profit": Metric("Expected maximum profit per customer", "higher", most=inf),
}
"""In the order in which they are shown; the last one only where a bank's economics are given (churn)."""


def improvement_sign(metric: str) -> int:
    """Give 1 where more is better, -1 where less is, 0 where neither.

    Example:
        >>> improvement_sign("log_loss")
        -1
    """
    return {"higher": 1, "lower": -1, "none": 0}[METRICS[metric].better]
