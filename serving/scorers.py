"""What the serving room asks of models, whatever they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.offer import Offer, Treatment
from expressions.types import Array
from features.table import FeatureTable
from models.contributions import Contributions


class ChurnScorer(Protocol):
    """Gives the probability that customers leave; `models.churn.model.ChurnModel` is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features it reads."""

    @property
    def rate(self) -> float | None:
        """Share of customers that leave, for those of whom nothing is known; None where it was not counted."""

    def predict(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Score n customers: shape (n,)."""


class PropensityScorer(Protocol):
    """Gives the probability that an offer in a channel is accepted; the propensity model is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features it reads."""

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        """Score n customers for m candidates: shape (n, m)."""

    def explain(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Take the scores apart: row i of the features with candidate i."""

    def prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Array:
        """Score n customers of whom nothing is known for m candidates: shape (n, m), NaN where nothing was counted."""

    def explain_prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Say what these scores come from: row i of the features with candidate i."""
