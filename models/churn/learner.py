"""What a learner of churn is: a function that fits on customers with labels and returns a scorer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, ColumnType
from features.table import FeatureTable
from models.settings import Training


class FittedChurn(Protocol):
    """A fitted learner; `models.churn.model.ChurnModel` is one."""

    @property
    def schema(self) -> dict[str, ColumnType]:
        """Features that the model reads, and their types."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features that the model reads."""

    @property
    def chosen(self) -> str:
        """How the model was made, in words."""

    @property
    def rate(self) -> float | None:
        """Share of customers who leave, used for unknown customers; None if it was not measured."""

    def predict(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Predict the probability of churn, shape (n,)."""

    def shap_values(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Return contributions to the log-odds, shape (n, len(names))."""

    def to_files(self, folder: Path) -> None:
        """Write everything as text and JSON."""


class ChurnLearner(Protocol):
    """Fits on customers with labels, as `models.churn.model.fit_churn` does."""

    def __call__(
        self,
        features: FeatureTable,
        y: Array,
        names: tuple[str, ...],
        training: Training,
        *,
        known_at: NDArray[np.datetime64],
        num_threads: int,
    ) -> FittedChurn:
        """Fit on all rows; the arguments are those of `fit_churn`."""
        ...
