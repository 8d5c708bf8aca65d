"""Challengers: each model trained and evaluated on what is known by a moment, and put to its gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, ModelError
from domain.offer import Offer, Treatment, candidates_of
from domain.progress import Progress
from features.table import FeatureTable
from models.churn.training import train_churn
from models.learners import CHURN, PROPENSITY, learner_of
from models.propensity.training import train_propensity
from pipelines.promotion import Challenger, put_to_gate
from pipelines.steps import StepResult
from pipelines.training_population import churn_label
from pipelines.training_rows import OfferRows, churn_rows
from wiring.components import Components
from wiring.progress import progress_of

MOSTLY = 0.5
"""Share of the impressions above which an attribute that is not known is worth a warning."""
SHAP_ROWS = 2_000
"""Rows to explain: enough for a stable order of importances; SHAP values cost far more than predictions."""


def churn_challenger(components: Components, as_of: datetime, experiment: str | None) -> StepResult:
    """Train the churn model on every customer of the label's population at every anchor."""
    bank, label = components.bank, churn_label(components)
    with progress_of("train churn") as progress:
        try:
            rows = churn_rows(components, as_of)
            trained = train_churn(
                rows,
                bank.models.training,
                horizon_days=label.horizon_days,
                learner=learner_of(CHURN, bank.models.learning.churn).fit_churn,
                progress=_counting(progress, bank.models.training.folds),
            )
        except (DataError, ModelError) as error:
            return _not_trained(error)
        shown = rows.features.take(_sample(len(rows.features)))
        shap = trained.model.shap_values(shown), trained.model.names
    return put_to_gate(
        components,
        Challenger(
            CHURN,
            trained.model,
            trained.held_out,
            rows.features,
            rows.y,
            rows.names,
            shap,
            trained.evaluated_on,
            experiment,
        ),
        as_of=as_of,
        answer_days=lambda held_out: np.full(len(held_out), label.lead_days + label.horizon_days),
    )


def propensity_challenger(components: Components, as_of: datetime, experiment: str | None) -> StepResult:
    """Train the propensity model on every presented offer, with the customer's features at that moment."""
    bank = components.bank
    with progress_of("train propensity") as progress:
        try:
            rows = OfferRows.of(components, as_of)
            features, answers = rows.features, rows.answers
            trained = train_propensity(
                rows.known(components),
                bank.models.training,
                learner=learner_of(PROPENSITY, bank.models.learning.propensity).fit_propensity,
                progress=_counting(progress, bank.models.training.folds),
            )
        except (DataError, ModelError) as error:
            return _not_trained(error)
        shown = _sample(len(answers))
        pairs = _explained_pairs(bank.offers, answers.offer[shown], answers.channel[shown])
        explained = trained.model.explain(features.take(shown), pairs)
    windows = {offer.name: offer.response_window_days for offer in bank.offers}
    y = np.where(answers.matured, answers.accepted.astype(np.float64), np.nan)
    return put_to_gate(
        components,
        Challenger(
            PROPENSITY,
            trained.model,
            trained.held_out,
            features,
            y,
            rows.names,
            (explained.values, explained.names),
            trained.evaluated_on,
            experiment,
        ),
        as_of=as_of,
        answer_days=lambda held_out: np.array([windows[offer] for offer in held_out.groups["offer"]]),
    ) | {"answers": dict(answers.counts), "unknown_attributes": _mostly_unknown(features, bank.vocabulary.attributes)}


def _not_trained(error: DataError | ModelError) -> StepResult:
    return {"champion": False, "failures": [f"not trained: {error}"]}


def _explained_pairs(
    offers: tuple[Offer, ...], presented: NDArray[np.object_], channels: NDArray[np.object_]
) -> list[tuple[Offer, Treatment]]:
    """Return the candidate of each impression; without a channel that it still has, the first of the offer's."""
    pairs = candidates_of(offers)
    exact = {(offer.name, treatment.channel): (offer, treatment) for offer, treatment in pairs}
    first = {offer.name: (offer, treatment) for offer, treatment in reversed(pairs)}
    return [exact.get((name, channel), first[name]) for name, channel in zip(presented, channels, strict=True)]


def _mostly_unknown(features: FeatureTable, attributes: Iterable[str]) -> dict[str, float]:
    """Return the attributes that were not known at most impressions, with the share at which they were not."""
    shares = {name: float(np.isnan(features.columns[name]).mean()) for name in attributes if name in features.columns}
    return {name: share for name, share in shares.items() if share > MOSTLY}


def _sample(rows: int) -> NDArray[np.intp]:
    """Choose at most `SHAP_ROWS` rows at even distances."""
    return np.unique(np.linspace(0, rows - 1, min(rows, SHAP_ROWS)).astype(np.intp))


def _counting(progress: Progress, folds: int) -> Callable[[str], None]:
    """Return a callback that counts the steps of training: its folds and the final model."""
    done = 0

    def count(step: str) -> None:
        nonlocal done
        del step
        done += 1
        progress(done, folds + 1)

    return count
