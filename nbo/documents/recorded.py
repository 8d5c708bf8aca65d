"""Test predictions of a run, found again for customers and moments, so that one can ask other questions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.errors import StateError
from expressions.types import Array
from features.moments import Moments
from features.table import FeatureTable
from models.comparison import recorded_scores
from models.evaluation.estimate import Estimate
from models.evaluation.evaluation import REPLICATES
from models.evaluation.resampling import CustomerDraws
from models.evaluation.scored import score_columns
from models.held_out import MODEL, HeldOutPredictions
from pipelines.training_population import answers_to_offers, churn_moments, churned
from wiring.components import Components


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a champion said of its test rows before it could know, and what came of them.

    Attributes:
        moments: Of n rows.
        y: Shape (n,).
        said: Shape (n,), probabilities.
        features: Of the rows, those asked for.
    """

    moments: Moments
    y: Array
    said: Array
    features: FeatureTable

    def auc(self, rows: NDArray[np.bool_], score: Array | None = None) -> Estimate:
        """Area under the ROC curve on some rows, of the model or another score, with its interval.

        Args:
            rows: Shape (n,).
            score: Shape (n,), higher for positives; NaN counts as lowest.
        """
        values = (self.said if score is None else _as_probability(score))[rows]
        draws = CustomerDraws.of(self.moments.customer_ids[rows], REPLICATES, 7)
        fold = np.zeros(int(rows.sum()), dtype=np.int64)
        return score_columns({MODEL: values}, self.y[rows], fold, draws, None)[MODEL].estimates()["auc"]


def recorded_churn(components: Components, until: datetime, names: tuple[str, ...]) -> Recorded:
    """Find the test rows of the churn champion, with some of their features."""
    moments = churn_moments(components, until)
    return _found(components, "churn", moments, churned(components, moments, until), {}, names)


def recorded_propensity(components: Components, until: datetime, names: tuple[str, ...]) -> Recorded:
    """Find the test rows of the propensity champion, with some of their features."""
    answers = answers_to_offers(components, until)
    groups = {"offer": answers.offer, "channel": answers.channel}
    return _found(components, "propensity", answers.moments, answers.accepted.astype(np.float64), groups, names)


def _found(
    components: Components,
    model: str,
    moments: Moments,
    y: Array,
    groups: Mapping[str, NDArray[np.object_]],
    names: tuple[str, ...],
) -> Recorded:
    champion = components.models.champion(model)
    recorded = None if champion is None else components.models.registry.recorded_predictions(champion)
    if recorded is None:
        raise StateError(
            f"bank {components.name} has no {model} champion", remedy=f"nbo --bank {components.folder} train"
        )
    asked = HeldOutPredictions(
        fold=np.zeros(len(y), dtype=np.int64),
        customer_ids=moments.customer_ids,
        as_of=moments.as_of,
        y=y,
        scores={MODEL: np.full(len(y), 0.5)},
        groups=groups,
    )
    said = recorded_scores(asked, recorded)
    kept = np.isfinite(said)
    tested = Moments(moments.customer_ids[kept], moments.as_of[kept])
    return Recorded(
        moments=tested, y=y[kept], said=said[kept], features=components.offline.training_set(tested, list(names))
    )


def _as_probability(score: Array) -> Array:
    """Keep the order and put it strictly between 0 and 1."""
    kept = np.where(np.isnan(score), np.nanmin(score) - 1.0, score)
    return np.asarray((kept - kept.min() + 1.0) / (kept.max() - kept.min() + 2.0))
