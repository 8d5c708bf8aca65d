"""Drift: by how much the level of a model's log-odds has moved away from the rows that it was fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.evaluation.probability import log_losses

_MOST_PERIODS: Final = 40
_LEAST_OF_EACH: Final = 10
"""Positives, and negatives, for each period: the level of fewer is noise, and so is how noisy it is."""
_SPEEDS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Standard deviations of the level's change over all periods, in log-odds; equally likely before looking. There is no
"none" among them: levels do move, and following the slowest costs nothing."""
_SHOCKS: Final = (0.0, 0.1, 0.2, 0.4)
"""Standard deviations of what is peculiar to a period and passes with it, such as one campaign's audience."""
_NEWTON_STEPS: Final = 6
_PRIOR_PRECISION: Final = 0.25
"""Of a period's own level around 0; it keeps periods finite in which everybody answers alike."""


def recent_shift(log_odds: Array, y: Array, as_of: NDArray[np.datetime64], known_at: NDArray[np.datetime64]) -> float:
    """Return what to add to log-odds so that their level is that of the latest outcomes.

    The level is a random walk around 0 with shocks that pass (local level model, Harvey 1989), filtered from period to
    period and averaged over how fast it may move, weighted by how well each speed explains the periods. So a noisy
    level is shrunk to 0, and slow or passing changes move it little.

    The filter is then tried on the past: for each period, its level as of what was known when the period began is
    compared with the plain mean of that time. Where following the level would have been worse, as with a season that
    turns before its answers are known, the shift is 0.

    Args:
        log_odds: Out-of-fold scores, shape (n,).
        y: Outcomes, shape (n,).
        as_of: Moments of the rows, shape (n,).
        known_at: When each outcome was known, shape (n,).

    Example:
        >>> random = np.random.default_rng(2)
        >>> days = np.sort(random.integers(0, 200, 10_000))
        >>> at = np.datetime64("2026-01-01", "us") + days * np.timedelta64(1, "D")
        >>> steady, fallen = (random.random(10_000) < rate for rate in (0.5, np.where(days < 120, 0.5, 0.3)))
        >>> for accepted in (steady, fallen):
        ...     f"{recent_shift(np.zeros(10_000), accepted.astype(float), at, at):.1f}"
        '-0.0'
        '-0.9'
    """
    period = _periods(as_of, y)
    if period is None:
        return 0.0
    levels = _Levels.of(log_odds, y, as_of, period)
    filtered = levels.filtered()
    known, begins = _latest(known_at, period), _earliest(as_of, period)
    # the last period whose outcomes were all known when each began; -1 for none
    last = np.array([np.flatnonzero(known <= begin).max(initial=-1) for begin in begins])
    tried = last[period] >= 0
    if tried.any():
        followed, mean = (values[last[period[tried]]] for values in (filtered, levels.means()))
        losses = [log_losses(expit(log_odds[tried] + shift), y[tried]).mean() for shift in (followed, mean)]
        if losses[0] > losses[1]:
            return 0.0
    return float(filtered[-1])


@dataclass(frozen=True, slots=True)
class _Levels:
    """Each period on its own: mean time as share of the whole, distance from the scores, and its variance."""

    time: Array
    level: Array
    variance: Array

    @classmethod
    def of(cls, log_odds: Array, y: Array, as_of: NDArray[np.datetime64], period: NDArray[np.intp]) -> _Levels:
        level = np.zeros(period.max() + 1)
        for _ in range(_NEWTON_STEPS):
            probability = expit(log_odds + level[period])
            slope = np.bincount(period, y - probability) - _PRIOR_PRECISION * level
            level += np.clip(slope / (_information(probability, period) + _PRIOR_PRECISION), -1.0, 1.0)
        time = (as_of - as_of.min()) / (as_of.max() - as_of.min())
        variance = 1.0 / _information(expit(log_odds + level[period]), period)
        return cls(np.bincount(period, time) / np.bincount(period), level, variance)

    def means(self) -> Array:
        """Return the mean level up to each period."""
        means: Array = np.cumsum(self.level / self.variance) / np.cumsum(1.0 / self.variance)
        return means

    def filtered(self) -> Array:
        """Return the level after each period, given the periods up to it, averaged over speeds and shocks."""
        likelihoods, levels = zip(*self._filters(), strict=True)
        weights = np.exp(np.array(likelihoods) - max(likelihoods))
        averaged: Array = weights @ np.array(levels) / weights.sum()
        return averaged

    def _filters(self) -> Iterator[tuple[float, Array]]:
        """Yield log-likelihood and filtered levels for each speed and size of shocks (Kalman 1960)."""
        steps = np.diff(self.time, prepend=self.time[0])
        for speed in _SPEEDS:
            for shock in _SHOCKS:
                # around 0, its mean over all rows, a random walk starts with a third of its final variance
                level, variance, likelihood, levels = 0.0, speed**2 / 3.0, 0.0, []
                for step, seen, noise in zip(steps, self.level, self.variance, strict=True):
                    variance += speed**2 * step
                    total, surprise = variance + noise + shock**2, seen - level
                    likelihood -= 0.5 * (np.log(total) + surprise**2 / total)
                    level += surprise * variance / total
                    variance *= 1.0 - variance / total
                    levels.append(level)
                yield float(likelihood), np.array(levels)


def _periods(as_of: NDArray[np.datetime64], y: Array) -> NDArray[np.intp] | None:
    """Return the period of each row, in time order with about equal counts; rows of one moment stay together."""
    _, moment, counts = np.unique(as_of, return_inverse=True, return_counts=True)
    periods = int(min(_MOST_PERIODS, y.sum() // _LEAST_OF_EACH, (len(y) - y.sum()) // _LEAST_OF_EACH))
    if min(periods, len(counts)) < 2:
        return None
    middle = (np.cumsum(counts) - counts / 2.0) / len(y)
    _, period = np.unique((middle * periods).astype(np.intp), return_inverse=True)
    return None if period.max() == 0 else period[moment]


def _information(probability: Array, period: NDArray[np.intp]) -> Array:
    summed: Array = np.bincount(period, probability * (1.0 - probability)).astype(np.float64)
    return summed


def _latest(moments: NDArray[np.datetime64], period: NDArray[np.intp]) -> NDArray[np.datetime64]:
    found = np.full(period.max() + 1, moments.min())
    np.maximum.at(found, period, moments)
    return found


def _earliest(moments: NDArray[np.datetime64], period: NDArray[np.intp]) -> NDArray[np.datetime64]:
    found = np.full(period.max() + 1, moments.max())
    np.minimum.at(found, period, moments)
    return found
