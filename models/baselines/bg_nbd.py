"""BG/NBD baseline: whether a customer is still active, from frequency, recency and age of the activity alone.

Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2); the probability of being
alive after Fader, Hardie & Lee (2008), "Computing P(alive) using the BG/NBD model".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln

from domain.errors import ModelError
from expressions.types import Array
from features.table import FeatureTable

AGE, RECENCY, ACTIVE_DAYS = "days_since_first_activity", "days_since_activity", "active_days_365d"
NEEDED_FEATURES = (AGE, RECENCY, ACTIVE_DAYS)
_WINDOW_DAYS = 365.0
_FIT_CUSTOMERS = 4_000
"""Four parameters are estimated to about a percent from this many customers; more only take time."""
_LARGEST_LOGARITHM = 12.0
"""Parameters are bounded by exp(-12) and exp(12), beyond which likelihoods are flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """Gamma-distributed activity rates (shape, rate), beta-distributed dropout after each activity (alpha, beta)."""

    shape: float
    rate: float
    dropout_alpha: float
    dropout_beta: float

    def alive(self, frequency: Array, last: Array, age: Array) -> Array:
        """Return the probability that a customer is still active.

        Args:
            frequency: Repeated activities: active days less the first.
            last: Time from the first to the last activity.
            age: Time from the first activity to now, in the same unit.

        Example:
            >>> cdnow = BgNbd(shape=0.243, rate=4.414, dropout_alpha=0.793, dropout_beta=2.426)
            >>> cdnow.alive(np.array([2.0, 0.0]), np.array([30.43, 0.0]), np.array([38.86, 38.86])).round(4).tolist()
            [0.7266, 1.0]
        """
        log_odds_of_death = (
            np.log(self.dropout_alpha)
            - np.log(self.dropout_beta + np.maximum(frequency, 1.0) - 1.0)
            + (self.shape + frequency) * (np.log(self.rate + age) - np.log(self.rate + last))
        )
        alive: Array = np.where(frequency > 0, expit(-log_odds_of_death), 1.0)
        return alive

    def inactive(self, frequency: Array, last: Array, age: Array, horizon: float) -> Array:
        """Return the probability of no activity within a horizon from now.

        A customer who is gone does nothing; one who is still active, with probability A, does nothing with that of a
        gamma mixture of Poisson processes: 1 - A + A ((rate + age) / (rate + age + horizon))^(shape + frequency).
        The probability of being gone alone would be 0 for everybody with a single activity.

        Args:
            frequency: As in `alive`.
            last: As in `alive`.
            age: As in `alive`.
            horizon: In the unit of the ages.

        Example:
            >>> cdnow = BgNbd(shape=0.243, rate=4.414, dropout_alpha=0.793, dropout_beta=2.426)
            >>> cdnow.inactive(np.array([2.0, 0.0]), np.array([30.43, 0.0]), np.array([38.86, 38.86]), 39).round(2)
            array([0.45, 0.86])
        """
        alive = self.alive(frequency, last, age)
        logarithm = np.log(self.rate + age) - np.log(self.rate + age + horizon)
        quiet: Array = 1.0 - alive + alive * np.exp((self.shape + frequency) * logarithm)
        return quiet


def fit_bg_nbd(frequency: Array, last: Array, age: Array) -> BgNbd:
    """Fit by maximum likelihood, one row per customer, in any unit of time.

    Raises:
        ModelError: If the likelihood has no usable optimum.
    """
    # in units of the mean age, so that seconds give the same fit as days
    unit = max(float(age.mean()), 1e-300) if len(age) else 1.0
    last, age = last / unit, age / unit
    repeated = frequency > 0
    repeats = np.maximum(frequency, 1.0)

    def loss(logarithms: Array) -> float:
        shape, rate, alpha, beta = np.exp(logarithms)
        common = (
            betaln(alpha, beta + frequency)
            - betaln(alpha, beta)
            + gammaln(shape + frequency)
            - gammaln(shape)
            + shape * np.log(rate)
        )
        going_on = -(shape + frequency) * np.log(rate + age)
        dropped = np.where(
            repeated,
            np.log(alpha) - np.log(beta + repeats - 1.0) - (shape + frequency) * np.log(rate + last),
            -np.inf,
        )
        return float(-(common + np.logaddexp(going_on, dropped)).mean())

    bounds = [(-_LARGEST_LOGARITHM, _LARGEST_LOGARITHM)] * 4
    start = np.array([0.0, np.log(max(float(age.mean()) / max(float(frequency.mean()), 0.1), 0.1)), 0.0, 2.0])
    optimum = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    if not np.isfinite(optimum.fun):
        raise ModelError("BG/NBD could not be fitted", got=str(optimum.message), remedy="check the activity features")
    shape, rate, alpha, beta = (float(value) for value in np.exp(optimum.x))
    return BgNbd(shape=shape, rate=rate * unit, dropout_alpha=alpha, dropout_beta=beta)


def bg_nbd_scores(train: FeatureTable, test: FeatureTable, horizon_days: float, seed: int) -> tuple[Array, Array]:
    """Fit on the training rows; return probabilities of inactivity of training and test rows."""
    model = fit_activity(train, seed)
    return model.inactive(*activity(train), horizon_days), model.inactive(*activity(test), horizon_days)


def fit_activity(train: FeatureTable, seed: int) -> BgNbd:
    """Fit on each customer's latest row; no label is needed.

    Activity is counted in active days, for customers older than a year in the last year only.

    Raises:
        ModelError: If the likelihood has no usable optimum.
    """
    customers = train.customer_ids.astype(str)
    by_time = np.lexsort((train.as_of, customers))
    latest = by_time[np.append(customers[by_time][1:] != customers[by_time][:-1], True)]
    chosen = np.random.default_rng(seed).permutation(latest)[:_FIT_CUSTOMERS]
    frequency, last, age = activity(train)
    return fit_bg_nbd(frequency[chosen], last[chosen], age[chosen])


def activity(features: FeatureTable) -> tuple[Array, Array, Array]:
    """Return frequency, time of the last activity, and age, in days; without activity, frequency and time are 0."""
    age = np.nan_to_num(np.minimum(features.columns[AGE], _WINDOW_DAYS), nan=0.0)
    since = np.nan_to_num(features.columns[RECENCY], nan=np.inf)
    last = np.maximum(age - since, 0.0)
    frequency = np.maximum(np.nan_to_num(features.columns[ACTIVE_DAYS]) - 1.0, 0.0)
    return np.where(last > 0, frequency, 0.0), last, age
