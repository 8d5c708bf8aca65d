"""The flow that trains churn and propensity models, evaluates them in time order, and puts them to the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from prefect import flow

from domain.errors import DataError
from domain.offer import candidates_of
from domain.progress import Progress
from models.churn.training import train_churn
from models.inputs import model_inputs
from models.labels import churn_known_at
from models.learners import learner_of
from models.propensity.training import train_propensity
from pipelines.experiments import concerns, experimental
from pipelines.feature_build import definitions_digest
from pipelines.promotion import CHURN, PROPENSITY, Challenger, put_to_gate
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from pipelines.training_population import answers_to_offers, churn_moments, churned
from wiring.components import Components, components_of, reload_components
from wiring.progress import progress_of
from wiring.turns import own_turn

SHAP_ROWS = 2_000
"""Rows to explain: enough for a stable order of importances; SHAP values cost far more than predictions."""


@flow(name="train-models", timeout_seconds=4 * 3600)
def train_models(
    bank_folder: str, as_of: datetime | None = None, experiment: str | None = None, changes: Sequence[str] = ()
) -> StepResult:
    """Train each model that has not been trained on these inputs yet; log it, register it and put it to its gate.

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
        components.bank.offers,
        code_digest("models"),
        *(() if experiment is None else (experiment,)),
    )
    results: StepResult = {}
    for name, step in ((CHURN, train_churn_model), (PROPENSITY, train_propensity_model)):
        if name == PROPENSITY and components.bank.vocabulary.contacts is None:
            continue
        if changes and not concerns(name, own, components.bank.models):
            continue
        present = components.models.is_registered(name)
        results[name] = do(
            step,
            key=key,
            present=present,
            bank_folder=bank_folder,
            as_of=until,
            experiment=experiment,
            changes=changes,
        )
    return results


@kept_step("train-churn", timeout_seconds=2 * 3600)
def train_churn_model(
    key: str, bank_folder: str, as_of: datetime, experiment: str | None = None, changes: tuple[str, ...] = ()
) -> StepResult:
    """Train the churn model on every customer of the label's population at every anchor."""
    del key
    components = experimental(components_of(bank_folder), changes)
    bank, label = components.bank, components.bank.models.churn
    with progress_of("train churn") as progress:
        moments = churn_moments(components, as_of)
        y = churned(components, moments, as_of)
        features = components.offline.training_set(moments, CHURN)
        known_at = churn_known_at(moments.as_of, label)
        learning = bank.models.learning.churn
        names = model_inputs(bank.features, bank.models.training.exclude, learning)
        trained = train_churn(
            features,
            y,
            known_at,
            names,
            bank.models.training,
            horizon_days=label.horizon_days,
            learner=learner_of(CHURN, learning).fit_churn,
            progress=_counting(progress, bank.models.training.folds),
        )
        shown = features.take(_sample(len(features)))
        shap = trained.model.shap_values(shown), trained.model.names
    return put_to_gate(
        components,
        Challenger(CHURN, trained.model, trained.judged, features, y, names, shap, trained.evaluated_on, experiment),
        as_of=as_of,
        answer_days=lambda judged: np.full(len(judged), label.lead_days + label.horizon_days),
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
        answers = answers_to_offers(components, as_of)
        if not len(answers):
            raise DataError(
                f"bank {components.name} has presented no offer of its catalogue yet",
                remedy="import contact history, or leave `contacts` out of events.yaml",
            )
        features = components.offline.training_set(answers.moments, PROPENSITY)
        learning = bank.models.learning.propensity
        names = model_inputs(bank.features, bank.models.training.exclude, learning)
        trained = train_propensity(
            features,
            answers,
            offers=bank.offers,
            catalogue=bank.features,
            names=names,
            training=bank.models.training,
            learner=learner_of(PROPENSITY, learning).fit_propensity,
            progress=_counting(progress, bank.models.training.folds),
        )
        pairs = {(offer.name, treatment.channel): (offer, treatment) for offer, treatment in candidates_of(bank.offers)}
        presented = list(zip(answers.offer, answers.channel, strict=True))
        shown = np.array([row for row in _sample(len(answers)) if presented[row] in pairs], dtype=np.intp)
        explained = trained.model.explain(features.take(shown), [pairs[presented[row]] for row in shown])
    windows = {offer.name: offer.response_window_days for offer in bank.offers}
    y = np.where(answers.matured, answers.accepted.astype(np.float64), np.nan)
    return put_to_gate(
        components,
        Challenger(
            PROPENSITY,
            trained.model,
            trained.judged,
            features,
            y,
            names,
            (explained.values, explained.names),
            trained.evaluated_on,
            experiment,
        ),
        as_of=as_of,
        answer_days=lambda judged: np.array([windows[offer] for offer in judged.groups["offer"]]),
    )


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
