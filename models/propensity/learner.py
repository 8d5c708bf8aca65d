"""What a learner of propensity is: a function that fits on impressions and returns a scorer."""

from __future__ import annotations

from typing import Protocol

from expressions.types import Array
from models.propensity.families import Families
from models.propensity.impressions import Impressions
from models.settings import Training


class RowScorer(Protocol):
    """A fitted learner."""

    def predict_rows(self, rows: Impressions, *, num_threads: int = 1) -> Array:
        """Predict the probability that each impression is accepted, shape (n,)."""
        ...


class Learner(Protocol):
    """Fits on impressions, as `models.propensity.fitting.fit_propensity` does."""

    def __call__(
        self, rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
    ) -> RowScorer:
        """Fit on all rows.

        Args:
            rows: Impressions whose outcomes are known.
            names: Customer features that the model may read.
            families: Features that exist per product or channel.
            training: Training settings.
            num_threads: Number of threads.
        """
        ...
