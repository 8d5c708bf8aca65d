"""Trains propensity: evaluated on rolling folds beside its baselines, then fitted on all known outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from expressions.types import Array
from models.baselines.per_offer import per_offer_logistic
from models.baselines.popularity import offer_rates, prevalence
from models.held_out import MODEL, HeldOutPredictions
from models.propensity.fitting import fit_propensity
from models.propensity.impressions import Impressions
from models.propensity.learner import FittedPropensity, Learner, RowLearner
from models.propensity.rows import PropensityRows
from models.segments import segment_names
from models.settings import Training
from models.splits import evaluated_on, evaluation_folds


@dataclass(frozen=True, slots=True)
class TrainedPropensity:
    """The model for production, and the held-out predictions of models trained the same way on each fold.

    Attributes:
        model: Fitted on all impressions whose outcomes are final.
        held_out: Held-out predictions of the folds, with baselines `prevalence`, `most_popular_offer` and
            `per_offer_logistic`; also grouped by `offer` and `channel`.
        rows: Number of impressions that the model was fitted on.
        evaluated_on: What the held-out rows were, in words.
    """

    model: FittedPropensity
    held_out: HeldOutPredictions
    rows: int
    evaluated_on: str


def train_propensity(
    rows: PropensityRows,
    training: Training,
    *,
    learner: Learner = fit_propensity,
    rivals: Mapping[str, RowLearner] = MappingProxyType({}),
    num_threads: int = 2,
    progress: Callable[[str], None] = lambda step: None,
) -> TrainedPropensity:
    """Evaluate on rolling folds, then fit on all rows.

    If all were presented at one moment, the folds are of customers.

    Args:
        rows: Impressions whose outcomes are known.
        training: Folds, embargo, segments, seed.
        learner: Fits the model.
        rivals: Name -> another learner that is judged on the same folds, as one more baseline.
        num_threads: Number of LightGBM threads; the result does not depend on it.
        progress: Called with a description of each finished step.

    Raises:
        DataError: If the history is too short for the folds.
        ModelError: If a training range has too few acceptances.
    """
    whole, names, families = rows.impressions, rows.names, rows.families
    learners: dict[str, RowLearner] = {MODEL: learner, **rivals}
    # the matrix products are many and small: several threads cost far more than they save, above all when other work
    # waits for the same cores, and the last bits of sums would depend on their number
    with threadpool_limits(1, user_api="blas"):
        parts: list[HeldOutPredictions] = []
        table = whole.features
        for fold in evaluation_folds(table.customer_ids, table.as_of, whole.known_at, training):
            train, test = whole.take(fold.train), whole.take(fold.test)
            own = {
                name: fit(train, names, families, training, num_threads=num_threads).predict_rows(
                    test, num_threads=num_threads
                )
                for name, fit in learners.items()
            }
            groups = {name: segment_names(test.features, name) for name in training.segments}
            parts.append(
                HeldOutPredictions(
                    fold=np.full(len(test), fold.index, dtype=np.int64),
                    customer_ids=test.features.customer_ids,
                    as_of=test.features.as_of,
                    y=test.y,
                    scores=own | _baselines(train, test, names),
                    groups=groups | {"offer": _offers(test), "channel": _channels(test)},
                )
            )
            progress(f"propensity fold {fold.index + 1} of {training.folds}")
        model = learner(whole, names, families, training, num_threads=num_threads)
    progress("propensity model")
    held_out = HeldOutPredictions.concatenate(parts)
    return TrainedPropensity(model, held_out, len(rows), evaluated_on(table.as_of, training))


def _baselines(train: Impressions, test: Impressions, names: tuple[str, ...]) -> dict[str, Array]:
    offered, asked = _offers(train), _offers(test)
    return {
        "prevalence": prevalence(train.y, len(test)),
        "most_popular_offer": offer_rates(offered, train.y, asked),
        "per_offer_logistic": per_offer_logistic(train.features, offered, train.y, test.features, asked, names=names),
    }


def _offers(rows: Impressions) -> NDArray[np.object_]:
    return np.array([*(offer.name for offer, _ in rows.pairs), None], dtype=object)[rows.pair]


def _channels(rows: Impressions) -> NDArray[np.object_]:
    return np.array([*(channel for _, channel in rows.pairs), None], dtype=object)[rows.pair]
