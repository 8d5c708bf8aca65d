"""Promotion of a challenger: evaluation against its baselines and the champion, logging, and the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, ModelError
from domain.offer import candidates_of
from expressions.types import Array
from features.moments import Moments, utc_microseconds
from features.table import FeatureTable
from models.churn.learner import FittedChurn
from models.comparison import ChampionComparison, compare_with_champion, recorded_scores
from models.evaluation.evaluation import evaluate
from models.evaluation.leakage import single_feature_aucs
from models.evaluation.pictures import draw_all, mean_absolute_shap
from models.gate import judge_challenger
from models.held_out import HeldOutPredictions
from models.learners import CHURN, DEFAULT, PROPENSITY, learner_class
from models.propensity.learner import FittedPropensity
from models.registry import RegisteredModel
from models.settings import Learning, Models
from models.tracking.experiments import git_revision
from models.tracking.runs import RunFacts, RunFindings, log_run
from pipelines.steps import StepResult, keep_page
from wiring.components import Components

_DAY = np.timedelta64(24 * 3600 * 1_000_000, "us")


@dataclass(frozen=True, slots=True)
class Challenger:
    """A newly trained model.

    Attributes:
        name: `churn` or `propensity`.
        model: The model.
        held_out: Its held-out predictions.
        features: Rows it was trained on.
        y: Labels of the rows, NaN if not known yet.
        names: Names of the features it may use.
        shap: SHAP values of some rows, and the names of their columns.
        evaluated_on: What the held-out rows were, in words.
        experiment: Name of the experiment that it was trained for; such a model is judged and registered under this
            name, and never put in charge: the next training would go back to the bank's own settings.
    """

    name: str
    model: FittedChurn | FittedPropensity
    held_out: HeldOutPredictions
    features: FeatureTable
    y: Array
    names: Sequence[str]
    shap: tuple[Array, Sequence[str]]
    evaluated_on: str
    experiment: str | None = None


def put_to_gate(
    components: Components,
    new: Challenger,
    *,
    as_of: datetime,
    answer_days: Callable[[HeldOutPredictions], NDArray[np.int64]],
) -> StepResult:
    """Evaluate a challenger, compare it with the champion, log and register it, and promote it if the gate allows.

    Args:
        components: The bank's components.
        new: The challenger.
        as_of: End of the training data.
        answer_days: Returns the days after which the label of each held-out row was known.
    """
    bank = components.bank
    settings = bank.models
    label = settings.churn if new.name == CHURN else None
    evaluation = evaluate(new.held_out, economics=settings.economics if new.name == CHURN else None)
    alone = single_feature_aucs(new.features, new.y, new.names)
    champion = components.models.champion(new.name)
    comparison = None if champion is None else _against(components, new, champion, answer_days(new.held_out))
    report = judge_challenger(evaluation, alone, settings.gate, comparison)
    first = components.log.first_occurred_at()
    assert first is not None, "a model was trained, so there are events"
    facts = RunFacts(
        bank=components.name,
        model=new.name,
        feature_service=new.name,
        data_digest=components.log.digest(),
        data_first=first,
        data_last=as_of,
        git_revision=git_revision(Path(__file__).parent),
        bank_digest=bank.digest,
        experiment=new.experiment,
        features=tuple(new.names),
        offers=bank.offers if new.name == PROPENSITY else (),
        rows=int(np.isfinite(new.y).sum()),
        parameters={
            **asdict(settings.training),
            **_learning(new.name, settings),
            **({f"label_{name}": value for name, value in asdict(label).items()} if label is not None else {}),
            "rows": len(new.y),
            "evaluated_on": new.evaluated_on,
            "form": new.model.chosen,
        },
    )
    run = log_run(
        components.models.store,
        facts,
        new.model,
        RunFindings(
            held_out=new.held_out,
            evaluation=evaluation,
            report=report,
            pictures=draw_all(evaluation, new.shap, f"{facts.bank} {facts.model}"),
            single_features=alone,
            importance=mean_absolute_shap(*new.shap),
        ),
    )
    waits = settings.rollout.required and new.name == PROPENSITY and champion is not None
    registered = components.models.registry.register(run, waits=waits)
    charged = report.passed and new.experiment is None and not waits
    sentences = [f"- {'passed' if check.passed else 'FAILED'}: {check.sentence}" for check in report.checks]
    keep_page(f"gate-{new.name}", f"Gate of {facts.name} version {registered.version}", "\n".join(sentences))
    return {
        "run_id": run.run_id,
        "version": registered.version,
        "champion": charged,
        "experiment": new.experiment,
        "passed": report.passed,
        "failures": list(report.failures),
        "evaluated_on": new.evaluated_on,
        "form": new.model.chosen,
        "checks": report.to_json()["checks"],
        "rows": evaluation.rows,
        "positives": evaluation.positives,
        "metrics": evaluation.to_metrics(),
        "baselines": list(new.held_out.baselines),
    }


def _learning(name: str, settings: Models) -> dict[str, object]:
    """Return the settings of a model's learner, with all parameters, also those left at their defaults."""
    learning: Learning = getattr(settings.learning, name)
    chosen = learning.learner or DEFAULT[name]
    parameters = learner_class(chosen).parameters(**learning.parameters)
    facts = {key: value for key, value in asdict(learning).items() if key != "parameters"}
    return {**facts, "learner": chosen, **asdict(parameters)}


def _against(
    components: Components, new: Challenger, champion: RegisteredModel, answer_days: NDArray[np.int64]
) -> ChampionComparison:
    """Rescore the rows that the champion cannot have learned from; else use its own recorded predictions."""
    held_out = new.held_out
    known_at = held_out.as_of.astype("datetime64[us]") + answer_days * _DAY
    unseen = np.greater(known_at, utc_microseconds(champion.data_last))
    if unseen.any():
        try:
            scores = np.full(len(held_out), np.nan)
            scores[unseen] = _rescored(components, new.name, held_out.take(unseen))
        except (ModelError, DataError):  # it reads features that no longer exist
            pass
        else:
            return compare_with_champion(held_out, scores, "rescored")
    recorded = components.models.registry.recorded_predictions(champion)
    if recorded is None:
        return compare_with_champion(held_out, np.full(len(held_out), np.nan), "nothing")
    return compare_with_champion(held_out, recorded_scores(held_out, recorded), "recorded")


def _rescored(components: Components, name: str, held_out: HeldOutPredictions) -> Array:
    moments = Moments(held_out.customer_ids, held_out.as_of)
    if name == CHURN:
        churn = components.models.load_churn().model
        return churn.predict(components.offline.training_set(moments, churn.names))
    propensity = components.models.load_propensity().model
    pairs = candidates_of(components.bank.offers)
    places = {(offer.name, treatment.channel): place for place, (offer, treatment) in enumerate(pairs)}
    wanted = [places.get(pair, -1) for pair in zip(held_out.groups["offer"], held_out.groups["channel"], strict=True)]
    columns = np.array(wanted, dtype=np.intp)
    scores = propensity.predict(components.offline.training_set(moments, propensity.names), pairs)
    chosen: Array = np.where(columns >= 0, scores[np.arange(len(columns)), columns], np.nan)
    return chosen
