"""Quality of a model by stage, segment, offer and channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.evaluation.estimate import wilson_interval
from models.evaluation.metrics import area_under_roc
from models.evaluation.ranked import RankedCounts
from models.held_out import MODEL, HeldOutPredictions

ENOUGH_OF_EACH_CLASS = 20
"""With fewer positives or negatives the standard error of an AUC is about 0.1, which is meaningless."""

ENOUGH_EXPECTED = 5.0
"""With fewer expected and observed positives, their ratio is noise."""

UNKNOWN = "(unknown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuality:
    """Quality of the model on the rows of one group.

    Attributes:
        grouping: `stage`, `segment`, `offer`, `channel`.
        said: Mean predicted probability.
        seen: Share of positives, with its Wilson interval.
        auc: AUC; None if there are fewer than 20 of either class.
        calibration_ratio: Observed positives per predicted positive, with the Wilson interval of `seen`; None if both
            are below 5.
    """

    grouping: str
    group: str
    rows: int
    positives: int
    said: float
    seen: float
    seen_low: float
    seen_high: float
    auc: float | None
    calibration_ratio: float | None
    calibration_ratio_low: float | None
    calibration_ratio_high: float | None


def group_qualities(held_out: HeldOutPredictions) -> tuple[GroupQuality, ...]:
    """Evaluate the model on every value of every grouping, largest groups first; none is left out."""
    found: list[GroupQuality] = []
    for grouping, labels in held_out.groups.items():
        codes, names = pd.factorize(pd.Series(labels, dtype=object).fillna(UNKNOWN), sort=True)
        rows = np.argsort(codes, kind="stable")
        parts = np.split(rows, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
        qualities = [_quality(grouping, str(name), held_out, part) for name, part in zip(names, parts, strict=True)]
        found.extend(sorted(qualities, key=lambda quality: -quality.rows))
    return tuple(found)


def _quality(grouping: str, group: str, held_out: HeldOutPredictions, rows: np.ndarray) -> GroupQuality:
    y, score = held_out.y[rows], held_out.scores[MODEL][rows]
    count, positives = len(y), int(y.sum())
    low, high = (float(bound) for bound in wilson_interval(positives, count))
    said = float(score.mean())
    ranked = min(positives, count - positives) >= ENOUGH_OF_EACH_CLASS
    rated = max(positives, said * count) >= ENOUGH_EXPECTED
    return GroupQuality(
        grouping=grouping,
        group=group,
        rows=count,
        positives=positives,
        said=said,
        seen=positives / count,
        seen_low=low,
        seen_high=high,
        auc=float(area_under_roc(RankedCounts.of(score, y))) if ranked else None,
        calibration_ratio=positives / count / said if rated else None,
        calibration_ratio_low=low / said if rated else None,
        calibration_ratio_high=high / said if rated else None,
    )
