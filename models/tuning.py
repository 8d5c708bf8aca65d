"""Search for the parameters of a learner by their log loss on held-out rows, within a time budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError
from expressions.types import Array
from models.evaluation.paired import standard_error
from models.tree_parameters import Span

if TYPE_CHECKING:
    import optuna

_PRUNED_FROM: Final = 4
"""Complete trials before one is stopped early: a median of fewer says little."""
_DIGITS: Final = 4
"""Digits of a parameter, so that what is printed is what was tried."""

Parameters = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class TriedParameters:
    """Parameters that were tried.

    Attributes:
        number: From 0, in order; the same seed tries the same parameters.
        parameters: Name -> value.
        losses: Mean log loss on each fold; fewer than all if it was stopped early.
        complete: Whether it was tried on all folds.
    """

    number: int
    parameters: Parameters
    losses: tuple[float, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        tried: All trials, in order.
        best: The complete trial with the lowest log loss; None if none was completed.
        own_loss: Log loss of the settings that the search began with.
        better: Log loss by which the best trial is better than these.
        noise: Standard error of that difference, over customers.
    """

    tried: tuple[TriedParameters, ...]
    best: TriedParameters | None
    own_loss: float
    better: float
    noise: float

    @property
    def is_better(self) -> bool:
        """Whether the best trial is better by more than noise."""
        return self.best is not None and self.better > self.noise


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBudget:
    """How long a search goes on.

    Attributes:
        seconds: Time, the settings that the search begins with included.
        trials: Most trials; None for as many as the time allows.
        seed: The same seed tries the same parameters; how many depends on the time.
    """

    seconds: float
    trials: int | None = None
    seed: int = 7


def search(
    losses_of: Callable[[Parameters], Iterator[Array]],
    spans: Mapping[str, Span],
    customers: NDArray[np.object_],
    budget: SearchBudget,
    done: Callable[[TriedParameters], None],
) -> Found:
    """Try parameters until the time or the number of trials is over (tree-structured Parzen estimator).

    A trial is stopped after a fold whose mean log loss so far is worse than the median of former trials, or when the
    time is over.

    Args:
        losses_of: Yields the log loss of each held-out row, fold by fold, with these parameters; none for the settings
            that the search begins with.
        spans: Parameters to search, and where.
        customers: Customer of each held-out row, in the order in which `losses_of` yields them.
        budget: How long to search.
        done: Called with each finished trial.

    Raises:
        ModelError: Optuna is not installed.
    """
    library, until = optuna_library(), time.monotonic() + budget.seconds
    own = np.concatenate(list(losses_of({})))
    tried: list[TriedParameters] = []
    rows_of: dict[int, Array] = {}

    def mean_loss(trial: optuna.Trial) -> float:
        parameters = {name: _suggested(trial, name, span) for name, span in spans.items()}
        folds: list[Array] = []
        for losses in losses_of(parameters):
            folds.append(losses)
            rows = np.concatenate(folds)
            trial.report(float(rows.mean()), len(folds))
            if len(rows) < len(own) and (time.monotonic() > until or trial.should_prune()):
                break
        complete = len(rows) == len(own)
        if complete:
            rows_of[trial.number] = rows
        tried.append(TriedParameters(trial.number, parameters, tuple(float(one.mean()) for one in folds), complete))
        done(tried[-1])
        if not complete:
            raise library.TrialPruned
        return float(rows.mean())

    library.logging.set_verbosity(library.logging.WARNING)
    study = library.create_study(
        sampler=library.samplers.TPESampler(seed=budget.seed),
        pruner=library.pruners.MedianPruner(n_startup_trials=_PRUNED_FROM),
    )
    if (left := until - time.monotonic()) > 0.0:
        study.optimize(mean_loss, n_trials=budget.trials, timeout=left)
    best = min(rows_of, key=lambda number: float(rows_of[number].mean()), default=None)
    gain = np.zeros(len(own)) if best is None else own - rows_of[best]
    return Found(
        tried=tuple(tried),
        best=None if best is None else tried[best],
        own_loss=float(own.mean()),
        better=float(gain.mean()),
        noise=standard_error(gain, customers),
    )


def _suggested(trial: optuna.Trial, name: str, span: Span) -> int | float:
    if span.whole:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.log)
    return float(f"{trial.suggest_float(name, span.low, span.high, log=span.log):.{_DIGITS}g}")


def optuna_library() -> Any:
    """Import Optuna, which takes a while and is an extra.

    Raises:
        ModelError: It is not installed.
    """
    try:
        import optuna  # noqa: PLC0415  it is optional
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ModelError(
            "Optuna is not installed", remedy="install the extra `tune`: pip install 'optuna==5.0.0'"
        ) from error
    return optuna
