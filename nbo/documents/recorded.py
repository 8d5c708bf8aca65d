"""Held-out predictions of a run, matched to customers and moments for further analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.errors import StateError
from domain.estimate import Estimate
from expressions.types import Array
from features.moments import Moments
from features.table import FeatureTable
from models.comparison import recorded_scores
from models.evaluation.estimate import CustomerDraws
from models.evaluation.evaluation import REPLICATES
from models.evaluation.scored import score_columns
from models.held_out import MODEL, HeldOutPredictions
from pipelines.training_population import answers_to_offers, churn_moments, churned
from wiring.components import Components


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Held-out predictions of a champion on its n test rows, and the outcomes.

    Attributes:
        moments: Customers and moments of the rows.
        y: Outcomes, shape (n,).
        said: Predicted probabilities, shape (n,).
        features: The requested features of the rows.
    """

    moments: Moments
    y: Array
    said: Array
    features: FeatureTable

    def auc(self, rows: NDArray[np.bool_], score: Array | None = None) -> Estimate:
        """Compute the area under the ROC curve on some rows, of the model or another score, with its interval.

        Args:
            rows: Which rows to use, shape (n,).
            score: Score that is higher for positives, shape (n,); NaN counts as lowest. None for the model.
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
    rows = HeldOutPredictions(
        fold=np.zeros(len(y), dtype=np.int64),
        customer_ids=moments.customer_ids,
        as_of=moments.as_of,
        y=y,
        scores={MODEL: np.full(len(y), 0.5)},
        groups=groups,
    )
    scores = recorded_scores(rows, recorded)
    found = np.isfinite(scores)
    tested = Moments(moments.customer_ids[found], moments.as_of[found])
    return Recorded(
        moments=tested, y=y[found], said=scores[found], features=components.offline.training_set(tested, list(names))
    )


def _as_probability(score: Array) -> Array:
    """Scale scores to lie strictly between 0 and 1, keeping their order."""
    filled = np.where(np.isnan(score), np.nanmin(score) - 1.0, score)
    return np.asarray((filled - filled.min() + 1.0) / (filled.max() - filled.min() + 2.0))
