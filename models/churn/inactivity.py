"""What BG/NBD expects of a customer: what the trees of churn may start from, and one of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from domain.errors import ModelError
from expressions.types import Array
from features.table import FeatureTable
from models.baselines.bg_nbd import NEEDED_FEATURES, BgNbd, activity, fit_activity
from models.calibration import fit_calibration, logit

COLUMN: Final = "bg_nbd_inactivity"
_DAY: Final = np.timedelta64(86_400_000_000, "us")


@dataclass(frozen=True, slots=True)
class Inactivity:
    """A fitted BG/NBD and a horizon.

    How frequency, recency and age work together is a smooth surface that trees approximate badly with few rows, and not
    at all where counts go on growing with the time since the log begins. So trees may start from it, and with few rows
    stay there.

    Attributes:
        model: The fit.
        horizon_days: Length of the time without activity.
        weight: What its log-odds count for in the trees' start; 0 if they do not start from it.
        centre: Mean of its log-odds over the training rows, if trees start from it.
    """

    model: BgNbd
    horizon_days: float
    weight: float = 0.0
    centre: float = 0.0

    @classmethod
    def fit(
        cls, features: FeatureTable, names: tuple[str, ...], known_at: NDArray[np.datetime64], seed: int
    ) -> Inactivity | None:
        """Fit without labels; None if the model may not read the features, or they give no usable fit.

        Args:
            features: Training rows.
            names: Features that the model may read.
            known_at: When each label was complete; its distance from the row's moment is the horizon.
            seed: Seed of the sample of customers.
        """
        if not set(NEEDED_FEATURES) <= set(names):
            return None
        try:
            model = fit_activity(features, seed)
        except ModelError:
            return None
        return cls(model, float(np.median((known_at - features.as_of) / _DAY)))

    def log_odds(self, features: FeatureTable) -> Array:
        """Return each customer's log-odds of no activity within the horizon, shape (n,)."""
        return logit(self.model.inactive(*activity(features), self.horizon_days))

    def start(self, log_odds: Array) -> Array:
        """Return what the trees start from, relative to the average of the training rows, shape (n,)."""
        started: Array = self.weight * (log_odds - self.centre)
        return started

    def weighted(self, log_odds: Array, y: Array) -> tuple[Inactivity, float]:
        """Return it with the weight that labels give it, and the log-odds of the average row.

        Args:
            log_odds: Its log-odds of the training rows, shape (n,).
            y: Their labels, shape (n,).
        """
        found, centre = fit_calibration(expit(log_odds), y), float(log_odds.mean())
        return replace(self, weight=found.rise, centre=centre), found.shift + found.rise * centre

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as JSON-compatible values."""
        return asdict(self)

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Inactivity:
        """Read it from `to_json` output."""
        return cls(**{**parts, "model": BgNbd(**parts["model"])})


def start_scores(inactivity: Inactivity | None, log_odds: Array) -> Array:
    """Return what BG/NBD adds to the trees' scores, shape (n,).

    Args:
        inactivity: None if the trees do not read it.
        log_odds: The trees' last column, which is its log-odds if they read it, shape (n,).
    """
    return np.zeros(len(log_odds)) if inactivity is None else inactivity.start(log_odds)
