"""Searches for the parameters of a bank's model on what was known before its first evaluated fold."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from domain.errors import DataError
from expressions.types import Array
from models.evaluation.probability import log_losses
from models.learners import CHURN, DEFAULT, PROPENSITY, learner_class, learner_of
from models.settings import Learning
from models.splits import customer_folds, evaluation_folds
from models.tracking.searches import search_run
from models.tuning import Found, Parameters, SearchBudget, TriedParameters, optuna_library, search
from pipelines.experiments import experimental
from pipelines.training_rows import OfferRows, churn_rows
from wiring.components import Components
from wiring.progress import progress_of

_THREADS = 2
_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Tuned:
    """A finished search.

    Attributes:
        found: What was tried, and what is best.
        changes: Settings of models.yaml that give the best, those that the search was for included.
        command: The command that trains a model with them.
    """

    found: Found
    changes: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows to search on: `fit` fits on some and returns the probabilities of others.

    Attributes:
        customers: Customer of each row.
        y: Outcomes.
        fit: Learner's settings, places to fit on, places to predict -> probabilities.
    """

    customers: NDArray[np.object_]
    y: Array
    fit: Callable[[Learning, NDArray[np.int64], NDArray[np.int64]], Array]


def tune(
    components: Components,
    model: str,
    as_of: datetime,
    *,
    name: str,
    changes: Sequence[str] = (),
    budget: SearchBudget,
) -> Tuned:
    """Search for parameters whose log loss on other customers is lowest.

    The search sees only rows whose outcomes were known before the first fold on which models are evaluated. So the
    evaluation of the model that is then trained is as honest as any other.

    Args:
        components: The bank's components.
        model: `churn` or `propensity`.
        as_of: End of the training data.
        name: Name of the experiment that will be trained.
        changes: Settings of models.yaml that the search takes as given.
        budget: How long to search.

    Raises:
        DataError: The learner has nothing to search, or there is too little history.
        ModelError: Optuna is not installed.
    """
    optuna_library()  # before anything is read
    components = experimental(components, tuple(changes))
    learning: Learning = getattr(components.bank.models.learning, model)
    learner = learning.learner or DEFAULT[model]
    spans = getattr(learner_class(learner), "searched", {})
    if not spans:
        raise DataError(
            f"the learner '{learner}' has no parameters to search", remedy="name another one in models.yaml"
        )
    rows = (_churn_rows if model == CHURN else _offer_rows)(components, as_of)
    fold = customer_folds(rows.customers, _FOLDS, components.bank.models.training.seed)
    folds = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(_FOLDS)]

    def losses_of(parameters: Parameters) -> Iterator[Array]:
        tried = replace(learning, parameters={**learning.parameters, **parameters})
        for train, test in folds:
            yield log_losses(rows.fit(tried, train, test), rows.y[test])

    held_out = np.concatenate([test for _, test in folds])
    facts = {
        "learner": learner,
        "rows": len(rows.y),
        "folds": len(folds),
        "as_of": as_of.isoformat(),
        **asdict(budget),
        "changes": "; ".join(changes),
        **{f"searched_{key}": f"{span.low:g} to {span.high:g}" for key, span in spans.items()},
    }
    with (
        threadpool_limits(1, user_api="blas"),
        progress_of(f"tune {model}") as progress,
        search_run(components.models.store, components.name, model, name, facts) as run,
    ):

        def done(tried: TriedParameters) -> None:
            run.log_trial(tried)
            progress(tried.number + 1, budget.trials)

        found = search(losses_of, spans, rows.customers[held_out], budget, done)
        best: Mapping[str, Any] = {} if found.best is None else found.best.parameters
        settings = (*changes, *(f"models.{model}.{key}={value}" for key, value in best.items()))
        command = _command(components, name, settings)
        run.log_result(found, command)
    return Tuned(found, settings, command)


def _command(components: Components, name: str, settings: Sequence[str]) -> tuple[str, ...]:
    sets = [word for one in settings for word in ("--set", shlex.quote(one))]
    return ("nbo", "--bank", shlex.quote(str(components.folder)), "train", "--as", name, *sets)


def _churn_rows(components: Components, as_of: datetime) -> _Rows:
    training = components.bank.models.training
    rows = churn_rows(components, as_of)
    rows = rows.take(~np.isnan(rows.y))
    first = evaluation_folds(rows.features.customer_ids, rows.features.as_of, rows.known_at, training)[0]
    rows = rows.take(first.train)

    def fit(learning: Learning, train: NDArray[np.int64], test: NDArray[np.int64]) -> Array:
        learner = learner_of(CHURN, learning)
        known = rows.take(train)
        scorer = learner.fit_churn(
            known.features, known.y, known.names, training, known_at=known.known_at, num_threads=_THREADS
        )
        scores: Array = scorer.predict(rows.features.take(test), num_threads=_THREADS)
        return scores

    return _Rows(rows.features.customer_ids, rows.y, fit)


def _offer_rows(components: Components, as_of: datetime) -> _Rows:
    training = components.bank.models.training
    known = OfferRows.of(components, as_of).known(components)
    rows = known.impressions
    first = evaluation_folds(rows.features.customer_ids, rows.features.as_of, rows.known_at, training)[0]
    rows = rows.take(first.train)

    def fit(learning: Learning, train: NDArray[np.int64], test: NDArray[np.int64]) -> Array:
        learner = learner_of(PROPENSITY, learning)
        scorer = learner.fit_propensity(rows.take(train), known.names, known.families, training, num_threads=_THREADS)
        scores: Array = scorer.predict_rows(rows.take(test), num_threads=_THREADS)
        return scores

    return _Rows(rows.features.customer_ids, rows.y, fit)
