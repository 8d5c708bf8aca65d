"""Trains propensity: evaluated on rolling folds beside its baselines, then fitted on all known outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from domain.errors import DataError
from domain.offer import Offer
from expressions.types import Array
from features.catalogue import FeatureCatalogue
from features.responses import Responses
from features.table import FeatureTable
from models.baselines.per_offer import per_offer_logistic
from models.baselines.popularity import offer_rates, prevalence
from models.held_out import MODEL, HeldOutPredictions
from models.propensity.families import Families, families_of
from models.propensity.fitting import fit_propensity
from models.propensity.impressions import Impressions, impressions
from models.propensity.learner import Learner, PropensityScorer, RowLearner
from models.segments import segment_names
from models.settings import Training
from models.splits import evaluated_on, evaluation_folds, thin


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

    model: PropensityScorer
    held_out: HeldOutPredictions
    rows: int
    evaluated_on: str


def train_propensity(
    features: FeatureTable,
    responses: Responses,
    *,
    offers: Sequence[Offer],
    catalogue: FeatureCatalogue,
    names: tuple[str, ...],
    training: Training,
    learner: Learner = fit_propensity,
    rivals: Mapping[str, RowLearner] = MappingProxyType({}),
    num_threads: int = 2,
    progress: Callable[[str], None] = lambda step: None,
) -> TrainedPropensity:
    """Evaluate on rolling folds, then fit on all impressions whose response window has passed.

    If all were presented at one moment, the folds are of customers.

    Args:
        features: Row i is the customer of response i as of its presentation.
        responses: Impressions with their outcomes; those not matured are left out.
        offers: The catalogue of offers.
        catalogue: Feature catalogue; its families list the features that exist per product.
        names: Customer features that the model sees.
        training: Folds, embargo, segments, seed.
        learner: Fits the model.
        rivals: Name -> another learner that is judged on the same folds, as one more baseline.
        num_threads: Number of LightGBM threads; the result does not depend on it.
        progress: Called with a description of each finished step.

    Raises:
        DataError: If no impression has matured, or the history is too short for the folds.
        ModelError: If a training range has too few acceptances.
    """
    families = families_of(catalogue, names, offers)
    rows = matured_impressions(features, responses, offers, families, training)
    # the matrix products are many and small: several threads cost far more than they save, above all when other work
    # waits for the same cores, and the last bits of sums would depend on their number
    with threadpool_limits(1, user_api="blas"):
        learners: dict[str, RowLearner] = {MODEL: learner, **rivals}
        held_out = _judged(rows, names, families, training, learners, num_threads=num_threads, progress=progress)
        model = learner(rows, names, families, training, num_threads=num_threads)
    progress("propensity model")
    return TrainedPropensity(model, held_out, len(rows), evaluated_on(rows.features.as_of, training))


def matured_impressions(
    features: FeatureTable, responses: Responses, offers: Sequence[Offer], families: Families, training: Training
) -> Impressions:
    """Return the impressions whose response window has passed, thinned to the maximum of rows.

    Raises:
        DataError: There is none.
    """
    if not responses.matured.any():
        raise DataError(
            "no impression of an offer has matured yet",
            got=f"{len(responses)} impressions",
            remedy="bring contact history older than the offers' response windows",
        )
    kept = np.flatnonzero(responses.matured)
    kept = kept[thin(features.customer_ids[kept], training.maximum_rows, training.seed)]
    return impressions(features.take(kept), responses.take(kept), offers, families)


def _judged(
    rows: Impressions,
    names: tuple[str, ...],
    families: Families,
    training: Training,
    learners: Mapping[str, RowLearner],
    *,
    num_threads: int,
    progress: Callable[[str], None],
) -> HeldOutPredictions:
    parts: list[HeldOutPredictions] = []
    table = rows.features
    for fold in evaluation_folds(table.customer_ids, table.as_of, rows.known_at, training):
        train, test = rows.take(fold.train), rows.take(fold.test)
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
    return HeldOutPredictions.concatenate(parts)


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
