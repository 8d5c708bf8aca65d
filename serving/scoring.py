"""Scores customers with a bank's models: churn as one more feature, propensity for the candidates asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from decisioning.policies.candidates import Candidates, Columns
from decisioning.policies.symbol_table import SCORES
from domain.offer import Offer, Treatment
from expressions.types import Array, Schema
from features.table import FeatureTable
from serving.scorers import ChurnScorer, PropensityScorer

CHURN_PROBABILITY = "churn_probability"


class Scoring:
    """Scores customers; without a model its scores are unknown.

    Args:
        candidates: Candidates of the policy.
        churn: Churn model, or None.
        propensity: Propensity model or acceptance rates, or None.
        num_threads: Threads of the models.
    """

    def __init__(
        self, candidates: Candidates, churn: ChurnScorer | None, propensity: PropensityScorer | None, num_threads: int
    ) -> None:
        self._candidates = candidates
        self.churn = churn
        self.propensity = propensity
        self.num_threads = num_threads
        self._extended: tuple[Schema, Schema] | None = None
        self._pairs_of: dict[tuple[str, ...], tuple[Columns, tuple[tuple[Offer, Treatment], ...]]] = {}

    def with_churn(self, features: FeatureTable, *, cold: bool) -> FeatureTable:
        """Add the column `churn_probability`, the usual rate where nothing is known of the customers (`cold`)."""
        if self.churn is not None and not cold:
            probability = self.churn.predict(features, num_threads=self.num_threads)
        else:
            rate = None if self.churn is None else self.churn.rate
            probability = np.full(len(features), np.nan if rate is None else rate)
        # the extended schema is kept, so that models need not check it again
        if self._extended is None or self._extended[0] is not features.schema:
            self._extended = features.schema, {**features.schema, **SCORES}
        columns = {**features.columns, CHURN_PROBABILITY: probability}
        return FeatureTable(features.customer_ids, features.as_of, columns, self._extended[1])

    def scores(
        self, features: FeatureTable, channels: Sequence[str] | None, asked: Sequence[str] | None, *, cold: bool
    ) -> Array:
        """Score the candidates of the requested channels in one call, or in one for each channel asked for.

        Args:
            features: The customers' features.
            channels: Channels whose candidates are scored; None for all.
            asked: The one channel in which each customer is scored; None for all of `channels`.
            cold: Whether nothing is known of the customers, so that candidates get their average rates.

        Returns:
            Shape (n, m); NaN for candidates that are not scored.
        """
        candidates = self._candidates
        if self.propensity is None:
            return np.full((len(features), len(candidates)), np.nan)
        if channels is None:
            return self._scored(self.propensity, features, candidates.pairs, cold=cold)
        scores = np.full((len(features), len(candidates)), np.nan)
        if asked is None or len(set(asked)) == 1:
            columns, pairs = self._of_channels(tuple(asked[:1] if asked else channels))
            if pairs:
                scores[:, columns] = self._scored(self.propensity, features, pairs, cold=cold)
            return scores
        inputs = features.select(self.propensity.names)
        for channel in dict.fromkeys(asked):
            columns, pairs = self._of_channels((channel,))
            rows = np.flatnonzero([one == channel for one in asked])
            if pairs:
                found = self._scored(self.propensity, inputs.take(rows), pairs, cold=cold)
                scores[np.ix_(rows, columns)] = found
        return scores

    def _scored(
        self, model: PropensityScorer, features: FeatureTable, pairs: Sequence[tuple[Offer, Treatment]], *, cold: bool
    ) -> Array:
        if cold:
            return model.prior(features, pairs)
        return model.predict(features, pairs, num_threads=self.num_threads)

    def _of_channels(self, channels: tuple[str, ...]) -> tuple[Columns, tuple[tuple[Offer, Treatment], ...]]:
        if channels not in self._pairs_of:
            candidates = self._candidates
            known = [candidates.by_channel[channel] for channel in channels if channel in candidates.by_channel]
            columns = np.unique(np.concatenate(known)) if known else np.empty(0, dtype=np.intp)
            self._pairs_of[channels] = columns, tuple(candidates.pairs[column] for column in columns.tolist())
        return self._pairs_of[channels]
