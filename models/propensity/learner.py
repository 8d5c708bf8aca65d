"""What a learner of propensity is: a function that fits on impressions and returns a scorer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from domain.offer import Offer, Treatment
from expressions.types import Array, ColumnType
from features.table import FeatureTable
from models.contributions import Contributions
from models.propensity.families import Families
from models.propensity.impressions import Impressions
from models.propensity.priors import Priors
from models.settings import Training


class RowScorer(Protocol):
    """A fitted learner."""

    def predict_rows(self, rows: Impressions, *, num_threads: int = 1) -> Array:
        """Predict the probability that each impression is accepted, shape (n,)."""
        ...


class FittedPropensity(RowScorer, Protocol):
    """A fitted learner that can be a bank's model; `models.propensity.model.PropensityModel` is one."""

    @property
    def schema(self) -> dict[str, ColumnType]:
        """Customer features that the model reads, and their types."""

    @property
    def names(self) -> tuple[str, ...]:
        """Customer features that the model reads."""

    @property
    def families(self) -> Families:
        """Features that exist per product or channel."""

    @property
    def chosen(self) -> str:
        """How the model was made, in words."""

    @property
    def priors(self) -> Priors | None:
        """Acceptance rates, for customers about whom nothing is known; None if they were not counted."""

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        """Predict every customer's probability to accept each candidate, shape (n, m)."""
        ...

    def explain(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Contributions:
        """Split log-odds into contributions: row i of the features with candidate i."""
        ...

    def prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Array:
        """Return each candidate's acceptance rate, whoever the customer is, shape (n, m)."""
        ...

    def explain_prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Explain `prior`: row i of the features with candidate i."""
        ...

    def to_files(self, folder: Path) -> None:
        """Write everything as text and JSON."""


class RowLearner(Protocol):
    """Fits on impressions; enough to be judged beside the model."""

    def __call__(
        self, rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
    ) -> RowScorer:
        """Fit on all rows, as `Learner` does."""
        ...


class Learner(Protocol):
    """Fits on impressions, as `models.propensity.fitting.fit_propensity` does."""

    def __call__(
        self, rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
    ) -> FittedPropensity:
        """Fit on all rows; the arguments are those of `fit_propensity`."""
        ...
