"""All metrics of one column of probabilities, on the sample and on every bootstrap replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.estimate import Estimate
from expressions.types import Array
from models.evaluation.calibration import BINS, Recalibration, calibration_error, newton_step
from models.evaluation.estimate import CustomerDraws, estimate_of_replicates
from models.evaluation.gains import area_under_gain, expected_maximum_profit, lift_at
from models.evaluation.metrics import METRICS, area_under_roc, average_precision, improvement_sign, ratio
from models.evaluation.probability import brier_skill, equal_count_bins, log_losses, squared_errors
from models.evaluation.ranked import RankedCounts, WeightedRanking
from models.settings import Economics

_FIXED = 8
"""Columns of the sums before those of folds and bins: rows, squared error, log loss, and five of recalibration."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Values and replicates of every metric; all columns use the same draws, which makes differences paired.

    Attributes:
        values: Metric -> value on the sample.
        replicates: Metric -> shape (replicates,).
    """

    values: Mapping[str, float]
    replicates: Mapping[str, Array]

    def estimates(self) -> dict[str, Estimate]:
        """Return every metric with its interval."""
        return {
            name: estimate_of_replicates(value, self.replicates[name], (METRICS[name].least, METRICS[name].most))
            for name, value in self.values.items()
        }

    def improvements_over(self, other: Scored) -> dict[str, Estimate]:
        """Return how much better this column is than another on the same rows and draws; positive is better.

        Metrics without a better direction are left out.
        """
        estimates = {}
        for name in self.values:
            sign = improvement_sign(name)
            if sign:
                value = sign * (self.values[name] - other.values[name])
                replicates = sign * (self.replicates[name] - other.replicates[name])
                estimates[name] = estimate_of_replicates(value, replicates, (-np.inf, np.inf))
        return estimates


def score_columns(
    scores: Mapping[str, Array],
    y: Array,
    fold: NDArray[np.int64],
    draws: CustomerDraws,
    economics: Economics | None,
) -> dict[str, Scored]:
    """Compute all metrics of every column of probabilities.

    Metrics on the sample are exact. Replicates take three shortcuts, none of which moves a bound by more than the
    replicates' own noise: scores are grouped to 2,048 ranks, bins of the calibration error are those of the
    sample, and the recalibration takes one Newton step from the sample's.

    Args:
        scores: Name -> probabilities, shape (n,).
        y: Outcomes, 1.0 and 0.0, shape (n,).
        fold: Fold of each row, for the reference of the Brier skill, shape (n,).
        draws: Bootstrap draws over the same rows.
        economics: Economics of the bank; adds the expected maximum profit.
    """
    prepared = {name: _Column(score, y, fold, draws) for name, score in scores.items()}
    values = {name: column.sample(economics) for name, column in prepared.items()}
    collected: dict[str, dict[str, list[Array]]] = {name: {} for name in scores}
    for weights in draws.blocks():
        for name, column in prepared.items():
            for metric, replicates in column.weighted(weights, economics).items():
                collected[name].setdefault(metric, []).append(replicates)
    return {
        name: Scored(values[name], {metric: np.concatenate(parts) for metric, parts in collected[name].items()})
        for name in scores
    }


class _Column:
    """One column of probabilities, reduced to what any weighting of customers needs."""

    def __init__(self, score: Array, y: Array, fold: NDArray[np.int64], draws: CustomerDraws) -> None:
        self._exact = RankedCounts.of(score, y)
        self._ranking = WeightedRanking.of(score, y, draws.customers, draws.count)
        bin_of_row, self._bins = equal_count_bins(score, BINS)
        fold_of_row = np.unique(fold, return_inverse=True)[1]
        self._folds = int(fold_of_row.max()) + 1
        of_folds = [fold_of_row == number for number in range(self._folds)]
        self._exact_folds = [RankedCounts.of(score[rows], y[rows]) for rows in of_folds]
        self._fold_rankings = [
            WeightedRanking.of(score[rows], y[rows], draws.customers[rows], draws.count) for rows in of_folds
        ]
        self._recalibration = Recalibration.fit(score, y)

        def by_customer(values: Array, part: NDArray[np.int64] | None = None, parts: int = 1) -> Array:
            place = draws.customers * parts + (0 if part is None else part)
            sums = np.bincount(place, weights=values, minlength=draws.count * parts).astype(np.float64)
            return sums.reshape(draws.count, parts)

        ones = np.ones_like(y)
        rows = [ones, squared_errors(score, y), log_losses(score, y), *self._recalibration.terms(score, y).T]
        self._sums = np.hstack(
            [
                *(by_customer(values) for values in rows),
                by_customer(ones, fold_of_row, self._folds),
                by_customer(y, fold_of_row, self._folds),
                by_customer(score, bin_of_row, self._bins),
                by_customer(y, bin_of_row, self._bins),
            ]
        )

    def sample(self, economics: Economics | None) -> dict[str, float]:
        everybody = self._sums.sum(axis=0, keepdims=True)
        metrics = self._metrics(self._exact, self._exact_folds, everybody, economics)
        fitted = {
            "calibration_intercept": self._recalibration.intercept,
            "calibration_slope": self._recalibration.slope,
        }
        return {name: float(np.ravel(value)[0]) for name, value in metrics.items()} | fitted

    def weighted(self, weights: Array, economics: Economics | None) -> dict[str, Array]:
        of_folds = [ranking.weighted(weights) for ranking in self._fold_rankings]
        return self._metrics(self._ranking.weighted(weights), of_folds, weights.T @ self._sums, economics)

    def _metrics(
        self, counts: RankedCounts, of_folds: Sequence[RankedCounts], sums: Array, economics: Economics | None
    ) -> dict[str, Array]:
        edges = np.cumsum([_FIXED, self._folds, self._folds, self._bins])
        fixed, fold_rows, fold_positives, bin_probability, bin_positives = np.split(sums, edges, axis=1)
        rows = fixed[:, 0]
        said = bin_probability.sum(axis=1)
        intercept_step, slope_step = newton_step(fixed[:, 3:])
        metrics = {
            "auc": _mean_of_defined([area_under_roc(one) for one in of_folds]),
            "auc_pooled": area_under_roc(counts),
            "average_precision": average_precision(counts),
            "brier": fixed[:, 1] / rows,
            "brier_skill": brier_skill(fixed[:, 1], fold_positives, fold_rows),
            "log_loss": fixed[:, 2] / rows,
            "calibration_error": calibration_error(bin_probability, bin_positives) / rows,
            "calibration_ratio": bin_positives.sum(axis=1) / said,
            "calibration_intercept": self._recalibration.intercept + intercept_step,
            "calibration_slope": self._recalibration.slope + slope_step,
            "lift_10": lift_at(counts, 0.1),
            "alift": area_under_gain(counts),
        }
        if economics is not None:
            metrics["expected_maximum_profit"] = expected_maximum_profit(counts, economics)
        return metrics


def _mean_of_defined(values: Sequence[Array]) -> Array:
    """Mean over the folds in which a metric is defined; NaN where it is in none."""
    stacked = np.stack(values)
    defined = np.isfinite(stacked)
    return ratio(np.where(defined, stacked, 0.0).sum(axis=0), defined.sum(axis=0).astype(np.float64))
