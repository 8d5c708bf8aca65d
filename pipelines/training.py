"""The flow that trains each model that there is enough history for, evaluates it, and puts it to its gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from prefect import flow

from domain.offer import Offer, OfferClass, Treatment
from models.learners import CHURN, PROPENSITY
from models.propensity.priors import stated_priors
from models.propensity.rates import AcceptanceRates, count_rates
from pipelines.experiments import concerns, experimental
from pipelines.feature_build import definitions_digest
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from pipelines.training_population import answers_to_offers
from wiring.components import Components, components_of, reload_components
from wiring.turns import own_turn


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
        if "version" in results[name] and not components.models.is_registered(name):  # MLflow has been emptied
            results[name] = train(present=False)
    if experiment is None and "version" not in results.get(PROPENSITY, {}):
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


@kept_step("train-churn", timeout_seconds=2 * 3600)
def train_churn_model(
    key: str, bank_folder: str, as_of: datetime, experiment: str | None = None, changes: tuple[str, ...] = ()
) -> StepResult:
    """Train the churn model, log it, and put it to its gate."""
    from pipelines.challengers import churn_challenger

    del key
    return churn_challenger(experimental(components_of(bank_folder), changes), as_of, experiment)


@kept_step("train-propensity", timeout_seconds=2 * 3600)
def train_propensity_model(
    key: str, bank_folder: str, as_of: datetime, experiment: str | None = None, changes: tuple[str, ...] = ()
) -> StepResult:
    """Train the propensity model, log it, and put it to its gate."""
    from pipelines.challengers import propensity_challenger

    del key
    return propensity_challenger(experimental(components_of(bank_folder), changes), as_of, experiment)


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
