from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from domain.errors import ModelError
from expressions.types import Array
from models.learners import learner_class
from models.tree_parameters import RANGES, SEARCHED, Span
from models.tuning import Found, Parameters, SearchBudget, TriedParameters, search

SPANS = {"rate": Span(0.01, 1.0), "leaves": Span(2, 60, whole=True)}
CUSTOMERS = np.array([f"c{row}" for row in range(90)], dtype=object)


def losses_of(parameters: Parameters) -> Iterator[Array]:
    """Three folds whose loss is least at a rate of 0.1 and 20 leaves; the settings before are at 1 and 60."""
    distance = abs(np.log10(parameters.get("rate", 1.0)) + 1.0) + abs(parameters.get("leaves", 60) - 20) / 40.0
    for fold in range(3):
        yield 0.3 + 0.1 * distance + 0.01 * np.random.default_rng(fold).random(30)


def searched(*, seconds: float = 60.0, trials: int | None = 25, seed: int = 7) -> tuple[Found, list[TriedParameters]]:
    done: list[TriedParameters] = []
    found = search(losses_of, SPANS, CUSTOMERS, SearchBudget(seconds=seconds, trials=trials, seed=seed), done.append)
    return found, done


def test_a_search_finds_better_parameters_and_says_how_much_better() -> None:
    found, done = searched()
    assert found.best is not None
    assert found.is_better
    assert list(found.tried) == done
    assert found.best.parameters["rate"] == pytest.approx(0.1, rel=0.8)
    assert abs(found.best.parameters["leaves"] - 20) < 12
    best = np.concatenate(list(losses_of(found.best.parameters)))
    assert found.own_loss - found.better == pytest.approx(best.mean())


def test_the_same_seed_tries_the_same_parameters() -> None:
    assert searched()[0] == searched()[0]
    assert searched(seed=8)[1][0].parameters != searched()[1][0].parameters
    longer = searched(trials=30)[1]
    assert longer[:25] == searched()[1]


def test_bad_parameters_are_stopped_after_a_fold() -> None:
    found, _ = searched()
    stopped = [one for one in found.tried if not one.complete]
    assert stopped
    assert all(len(one.losses) < 3 for one in stopped)
    assert all(one.number >= 4 for one in stopped)


def test_a_search_ends_with_its_time_also_within_a_trial() -> None:
    def slow(parameters: Parameters) -> Iterator[Array]:
        for losses in losses_of(parameters):
            if parameters:
                time.sleep(0.2)
            yield losses

    found = search(slow, SPANS, CUSTOMERS, SearchBudget(seconds=0.3), lambda tried: None)
    assert len(found.tried) == 1
    assert not found.tried[0].complete
    assert found.best is None
    assert not found.is_better


def test_parameters_are_tried_as_they_are_printed() -> None:
    _, done = searched()
    for one in done:
        assert float(f"{one.parameters['rate']}") == float(f"{one.parameters['rate']:.4g}")
        assert isinstance(one.parameters["leaves"], int)


def test_without_optuna_a_search_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ModelError, match="Optuna is not installed; install the extra `tune`"):
        searched()


def test_what_is_searched_is_a_parameter_within_its_range() -> None:
    known = learner_class("lightgbm").parameters.__dataclass_fields__
    for name, span in SEARCHED.items():
        assert name in known
        assert RANGES[name][0] <= span.low < span.high <= RANGES[name][1]
