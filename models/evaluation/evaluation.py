"""The complete evaluation of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from domain.errors import DataError
from domain.estimate import Estimate
from models.evaluation.calibration import Reliability
from models.evaluation.estimate import CustomerDraws
from models.evaluation.gains import gain_curve
from models.evaluation.groups import GroupQuality, group_qualities
from models.evaluation.ranked import RankedCounts
from models.evaluation.scored import Scored, score_columns
from models.held_out import MODEL, HeldOutPredictions
from models.settings import Economics

OF_BASELINES = ("auc", "average_precision", "brier_skill", "log_loss", "lift_10", "expected_maximum_profit")
"""Metrics of baselines among a run's metrics (tables have all); a store reads only 20,000 numbers a second."""

COMPARED = ("auc", "log_loss")
"""Metrics whose improvement over each baseline is among a run's metrics: one of ranking, one proper score."""

REPLICATES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldQuality:
    """Quality of the model and its baselines on one test fold.

    Attributes:
        first: Earliest `as_of` of the fold.
        last: Latest `as_of` of the fold.
        scores: Score -> metric -> estimate.
    """

    fold: int
    first: datetime
    last: datetime
    rows: int
    positives: int
    scores: Mapping[str, Mapping[str, Estimate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Quality of a model on rows it was not fitted on.

    Attributes:
        scores: `model` and each baseline -> metric -> estimate, over all folds.
        improvements: Baseline -> metric -> how much better the model is (positive is better), paired.
        folds: Quality by fold, in time order.
        groups: Quality by group within each grouping, largest groups first.
        reliability: Reliability of the model.
        gains: Score -> (share contacted, share of positives found), each of shape (101,).
    """

    rows: int
    customers: int
    positives: int
    first: datetime
    last: datetime
    scores: Mapping[str, Mapping[str, Estimate]]
    improvements: Mapping[str, Mapping[str, Estimate]]
    folds: tuple[FoldQuality, ...]
    groups: tuple[GroupQuality, ...]
    reliability: Reliability
    gains: Mapping[str, tuple[np.ndarray, np.ndarray]]

    @property
    def model(self) -> Mapping[str, Estimate]:
        """The model's own metrics."""
        return self.scores[MODEL]

    def to_metrics(self) -> dict[str, float]:
        """Flatten to names that a tracking store and a table can hold.

        `auc`, `auc_low`, `auc_high` of the model, `baseline_<name>_auc` of each baseline (`OF_BASELINES`), and
        `auc_over_<name>` with its bounds (`COMPARED`). NaN means that a metric is undefined.
        """
        flat = {
            "test_rows": float(self.rows),
            "test_customers": float(self.customers),
            "test_positives": float(self.positives),
            "test_prevalence": self.positives / self.rows,
        }
        for metric, estimate in self.model.items():
            flat |= _with_bounds(metric, estimate)
        for baseline, improvements in self.improvements.items():
            for metric, estimate in self.scores[baseline].items():
                if metric in OF_BASELINES:
                    flat[f"baseline_{baseline}_{metric}"] = estimate.value
            for metric in COMPARED:
                flat |= _with_bounds(f"{metric}_over_{baseline}", improvements[metric])
        return flat

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """Return everything as flat tables: `scores`, `improvements`, `folds`, `groups`, `reliability`, `gain`."""
        reliability = asdict(self.reliability)
        contacted = next(iter(self.gains.values()))[0]
        return {
            "scores": _long(self.scores, "score"),
            "improvements": _long(self.improvements, "over"),
            "folds": pd.DataFrame([row for fold in self.folds for row in _fold_rows(fold)]),
            "groups": pd.DataFrame([asdict(group) for group in self.groups]),
            "reliability": pd.DataFrame(reliability),
            "gain": pd.DataFrame({"contacted": contacted} | {name: gain[1] for name, gain in self.gains.items()}),
        }


def evaluate(
    held_out: HeldOutPredictions, *, economics: Economics | None = None, replicates: int = REPLICATES, seed: int = 7
) -> Evaluation:
    """Evaluate a model and its baselines on the same rows, with intervals from draws of customers.

    The AUC is the mean over folds: under drift, scores of different folds are not comparable, and a constant per fold
    would look like a model in a pooled AUC (`auc_pooled`). Other metrics over all folds pool their rows. Metrics of a
    fold have their own intervals.

    Args:
        held_out: Held-out predictions.
        economics: Economics of the bank, for churn; adds the expected maximum profit.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap.

    Raises:
        DataError: If there are no predictions.
    """
    if not len(held_out):
        raise DataError("there are no held-out predictions to evaluate", expected="at least one fold with rows")
    scored = _score(held_out, economics, replicates, seed)
    return Evaluation(
        rows=len(held_out),
        customers=len(np.unique(held_out.customer_ids.astype(str))),
        positives=int(held_out.y.sum()),
        first=_moment(held_out.as_of.min()),
        last=_moment(held_out.as_of.max()),
        scores={name: column.estimates() for name, column in scored.items()},
        improvements={name: scored[MODEL].improvements_over(scored[name]) for name in held_out.baselines},
        folds=tuple(
            _fold_quality(held_out, int(fold), economics, replicates, seed) for fold in np.unique(held_out.fold)
        ),
        groups=group_qualities(held_out),
        reliability=Reliability.of(held_out.scores[MODEL], held_out.y),
        gains={name: gain_curve(RankedCounts.of(score, held_out.y)) for name, score in held_out.scores.items()},
    )


def _score(held_out: HeldOutPredictions, economics: Economics | None, replicates: int, seed: int) -> dict[str, Scored]:
    draws = CustomerDraws.of(held_out.customer_ids, replicates, seed)
    return score_columns(held_out.scores, held_out.y, held_out.fold, draws, economics)


def _fold_quality(
    held_out: HeldOutPredictions, fold: int, economics: Economics | None, replicates: int, seed: int
) -> FoldQuality:
    rows = held_out.take(held_out.fold == fold)
    scored = _score(rows, economics, replicates, seed)
    return FoldQuality(
        fold=fold,
        first=_moment(rows.as_of.min()),
        last=_moment(rows.as_of.max()),
        rows=len(rows),
        positives=int(rows.y.sum()),
        scores={name: column.estimates() for name, column in scored.items()},
    )


def _moment(moment: np.datetime64) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def _with_bounds(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _long(estimates: Mapping[str, Mapping[str, Estimate]], key: str) -> pd.DataFrame:
    rows = [
        {key: name, "metric": metric, **asdict(estimate)}
        for name, metrics in estimates.items()
        for metric, estimate in metrics.items()
    ]
    return pd.DataFrame(rows, columns=[key, "metric", "value", "low", "high"])


def _fold_rows(fold: FoldQuality) -> list[dict[str, object]]:
    facts = {
        "fold": fold.fold,
        "first": fold.first.isoformat(),
        "last": fold.last.isoformat(),
        "rows": fold.rows,
        "positives": fold.positives,
    }
    return [
        {**facts, "score": name, "metric": metric, **asdict(estimate)}
        for name, metrics in fold.scores.items()
        for metric, estimate in metrics.items()
    ]
