"""The metrics by name, with their ranges and the direction that is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """Title, range and direction of a metric.

    Attributes:
        better: `higher`, `lower`, or `none` if it should be near a value (a slope near 1).
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
    AUC: Metric("Area under the ROC curve, mean over folds", "higher"),
    "auc_pooled": Metric("Area under the ROC curve, all folds together", "higher"),
    "average_precision": Metric("Average precision", "higher"),
    "brier": Metric("Brier score", "lower"),
    BRIER_SKILL: Metric("Brier skill", "higher", least=-inf),
    LOG_LOSS: Metric("Log loss", "lower", most=inf),
    CALIBRATION_ERROR: Metric("Expected calibration error", "lower"),
    "calibration_ratio": Metric("Observed positives per predicted positive", "none", most=inf),
    "calibration_intercept": Metric("Calibration intercept", "none", least=-inf, most=inf),
    "calibration_slope": Metric("Calibration slope", "none", least=-inf, most=inf),
    "lift_10": Metric("Lift in the best 10 %", "higher", most=10.0),
    "alift": Metric("Area under the gain curve (ALIFT)", "higher"),
    "expected_maximum_profit": Metric("Expected maximum profit per customer", "higher", most=inf),
}
"""In display order; the last one is computed only with a bank's economics (churn)."""


def improvement_sign(metric: str) -> int:
    """Return 1 if higher is better, -1 if lower is, 0 if neither.

    Example:
        >>> improvement_sign("log_loss")
        -1
    """
    return {"higher": 1, "lower": -1, "none": 0}[METRICS[metric].better]
