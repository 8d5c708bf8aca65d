"""What BG/NBD expects of a customer, as a column for the trees of churn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError
from expressions.types import Array
from features.table import FeatureTable
from models.baselines.bg_nbd import NEEDED_FEATURES, BgNbd, activity, fit_activity
from models.calibration import logit

COLUMN: Final = "bg_nbd_inactivity"
_DAY: Final = np.timedelta64(86_400_000_000, "us")


@dataclass(frozen=True, slots=True)
class Inactivity:
    """A fitted BG/NBD and a horizon.

    How frequency, recency and age work together is a smooth surface that trees approximate badly with few rows, and not
    at all where counts go on growing with the time since the log begins.
    """

    model: BgNbd
    horizon_days: float

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

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as JSON-compatible values."""
        return {"model": asdict(self.model), "horizon_days": self.horizon_days}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Inactivity:
        """Read it from `to_json` output."""
        return cls(BgNbd(**parts["model"]), float(parts["horizon_days"]))
