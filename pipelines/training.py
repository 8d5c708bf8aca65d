"""The flow that trains each model that there is enough history for, evaluates it, and puts it to its gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray
from prefect import flow

from domain.errors import DataError, ModelError
from domain.offer import Offer, OfferClass, Treatment, candidates_of
from domain.progress import Progress
from features.table import FeatureTable
from models.churn.training import train_churn
from models.learners import learner_of
from models.propensity.priors import stated_priors
from models.propensity.rates import AcceptanceRates, count_rates
from models.propensity.training import train_propensity
from pipelines.experiments import concerns, experimental
from pipelines.feature_build import definitions_digest
from pipelines.promotion import CHURN, PROPENSITY, VERSION, Challenger, put_to_gate
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from pipelines.training_population import answers_to_offers, churn_label
from pipelines.training_rows import ChurnRows, OfferRows
from wiring.components import Components, components_of, reload_components
from wiring.progress import progress_of
from wiring.turns import own_turn

MOSTLY = 0.5
"""Share of the impressions above which an attribute that is not known is worth a warning."""
SHAP_ROWS = 2_000
"""Rows to explain: enough for a stable order of importances; SHAP values cost far more than predictions."""


@flow(name="train-models", timeout_seconds=4 * 3600)
def train_models(
    bank_folder: str, as_of: datetime | None = None, experiment: str | None = None, changes: Sequence[str] = ()
) -> StepResult:
    """Train each model that has not been trained on these inputs yet; log it, register it and put it to its gate.

    A model for which there is too little history is not trained, which is said; the others are.

    Args:
        bank_folder: The bank's folder.
        as_of: End of the training data; by default the last midnight with new events.
        experiment: Name of an experiment: only models that the changes concern are trained, and none is put in charge.
        changes: Settings of models.yaml that the experiment changes, such as `models.propensity.num_leaves=31`.
    """
    components = reload_components(bank_folder)
    with own_turn(components, "train models"):
        return _trained(components, bank_folder, components.moment(as_of), experiment, tuple(changes))


def _trained(
    components: Components, bank_folder: str, until: datetime, experiment: str | None, changes: tuple[str, ...]
) -> StepResult:
    own, components = components.bank.models, experimental(components, changes)
    key = digest_of(
        components.log.digest(),
        until,
        definitions_digest(components),
        components.bank.models,
        [_seen_in_training(offer) for offer in components.bank.offers],
        code_digest("models"),
        *(() if experiment is None else (experiment,)),
    )
    results: StepResult = {}
    for name, step, wanted in (
        (CHURN, train_churn_model, components.bank.models.churn is not None),
        (PROPENSITY, train_propensity_model, components.bank.vocabulary.contacts is not None),
    ):
        if not wanted or (changes and not concerns(name, own, components.bank.models)):
            continue
        train = partial(do, step, key=key, bank_folder=bank_folder, as_of=until, experiment=experiment, changes=changes)
        results[name] = train(present=True)
        if VERSION in results[name] and not components.models.is_registered(name):  # MLflow has been emptied
            results[name] = train(present=False)
    if experiment is None and VERSION not in results.get(PROPENSITY, {}):
        present = components.places.acceptance_rates.is_dir()
        do(count_acceptance_rates, key=key, present=present, bank_folder=bank_folder, as_of=until)
    return results


def _seen_in_training(offer: Offer) -> Offer:
    """Return an offer without what no model sees: after a change of the rest, nothing is trained again."""
    return replace(
        offer, description="", value="0", cost=0.0, valid_from=None, valid_until=None, stages=(), steps=(), tags=(),
        offer_class=OfferClass.COMMERCIAL, signed_off_by=None, counts_as=None,
        treatments=tuple(Treatment(channel=treatment.channel, message="") for treatment in offer.treatments),
    )  # fmt: skip


def _not_trained(error: DataError | ModelError) -> StepResult:
    return {"champion": False, "failures": [f"not trained: {error}"]}


@kept_step("train-churn", timeout_seconds=2 * 3600)
def train_churn_model(
    key: str, bank_folder: str, as_of: datetime, experiment: str | None = None, changes: tuple[str, ...] = ()
) -> StepResult:
    """Train the churn model on every customer of the label's population at every anchor."""
    del key
    components = experimental(components_of(bank_folder), changes)
    bank, label = components.bank, churn_label(components)
    with progress_of("train churn") as progress:
        try:
            rows = ChurnRows.of(components, as_of)
            trained = train_churn(
                rows.features,
                rows.y,
                rows.known_at,
                rows.names,
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


@kept_step("train-propensity", timeout_seconds=2 * 3600)
def train_propensity_model(
    key: str, bank_folder: str, as_of: datetime, experiment: str | None = None, changes: tuple[str, ...] = ()
) -> StepResult:
    """Train the propensity model on every presented offer, with the customer's features at that moment."""
    del key
    components = experimental(components_of(bank_folder), changes)
    bank = components.bank
    with progress_of("train propensity") as progress:
        try:
            rows = OfferRows.of(components, as_of)
            features, answers, names = rows.features, rows.answers, rows.names
            trained = train_propensity(
                features,
                answers,
                offers=bank.offers,
                catalogue=bank.features,
                names=names,
                training=bank.models.training,
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
            names,
            (explained.values, explained.names),
            trained.evaluated_on,
            experiment,
        ),
        as_of=as_of,
        answer_days=lambda held_out: np.array([windows[offer] for offer in held_out.groups["offer"]]),
    ) | {"answers": dict(answers.counts), "unknown_attributes": _mostly_unknown(features, bank.vocabulary.attributes)}


@kept_step("count-acceptance-rates", timeout_seconds=3600)
def count_acceptance_rates(key: str, bank_folder: str, as_of: datetime) -> StepResult:
    """Count the acceptance rates that decide while there is too little history for a propensity model."""
    del key
    components = components_of(bank_folder)
    rates = _rates(components, as_of)
    components.models.keep_rates(rates)
    return {"counted": rates is not None and rates.counted, "expected": rates is not None and not rates.counted}


def _rates(components: Components, as_of: datetime) -> AcceptanceRates | None:
    contacts = components.bank.vocabulary.contacts
    answers = None if contacts is None else answers_to_offers(components, as_of)
    if answers is None or not len(answers):
        priors = stated_priors(components.bank.offers)
        return None if priors is None else AcceptanceRates(priors)
    features = components.offline.training_set(answers.moments, PROPENSITY)
    return count_rates(features, answers, components.bank.offers)


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
