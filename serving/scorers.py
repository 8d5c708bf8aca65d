"""Protocols of the models that serving uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.offer import Offer, Treatment
from expressions.types import Array
from features.table import FeatureTable
from models.contributions import Contributions


class ChurnScorer(Protocol):
    """Predicts the probability that customers leave; `models.churn.model.ChurnModel` is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features the model reads."""

    @property
    def rate(self) -> float | None:
        """Share of customers who leave, used for unknown customers; None if it was not measured."""

    def predict(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Score n customers; return shape (n,)."""


class PropensityScorer(Protocol):
    """Predicts the probability that an offer in a channel is accepted; the propensity model is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features the model reads."""

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        """Score n customers for m candidates; return shape (n, m)."""

    def explain(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Explain scores: row i of the features with candidate i."""

    def prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Array:
        """Score n unknown customers for m candidates; return shape (n, m), NaN where no rate was measured."""

    def explain_prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Explain the scores of `prior`: row i of the features with candidate i."""
