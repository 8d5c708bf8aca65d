"""A search on a real bank: nested runs, and settings that the experiment they are for is trained with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from config.experiments import changed_models
from domain.errors import DataError
from models.splits import evaluation_folds
from models.tracking.context import PARENT_TAG
from models.tuning import SearchBudget
from pipelines.training_rows import churn_rows
from pipelines.tuning import _churn_rows, tune
from tests.pipelines.ready_bank import ready_to_decide
from wiring.components import Components

BUDGET = SearchBudget(seconds=300.0, trials=3)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Components]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield ready_to_decide(tmp_path_factory.mktemp("tuned") / "banks", monkeypatch).parts


def test_a_search_logs_nested_runs_and_gives_the_command_that_trains_what_it_found(parts: Components) -> None:
    given = ("models.churn.num_iterations=40",)
    tuned = tune(parts, "churn", parts.moment(None), name="slow", changes=given, budget=BUDGET)
    assert len(tuned.found.tried) == 3
    assert tuned.found.best is not None
    assert tuned.command[:6] == ("nbo", "--bank", str(parts.folder), "train", "--as", "slow")
    settings = [word for word in tuned.command[6:] if word != "--set"]
    learning = changed_models(parts.folder, settings).models.learning.churn
    own = parts.bank.models.learning.churn.parameters
    assert learning.parameters == {**own, "num_iterations": 40, **tuned.found.best.parameters}

    client = parts.models.store.client
    experiment = client.get_experiment_by_name(f"{parts.name}-churn-tuning")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if PARENT_TAG not in run.data.tags)
    children = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent.info.run_id]
    assert parent.info.run_name == "slow"
    assert parent.data.metrics["trials"] == len(children) == 3
    assert {float(run.data.params["learning_rate"]) for run in children} == {
        one.parameters["learning_rate"] for one in tuned.found.tried
    }
    assert parts.models.registry.find(f"{parts.name}-churn", "slow") is None

    again = tune(parts, "churn", parts.moment(None), name="slow", changes=given, budget=BUDGET)
    assert again.found == tuned.found


def test_a_search_sees_nothing_that_models_are_evaluated_on(parts: Components) -> None:
    until = parts.moment(None)
    rows = churn_rows(parts, until)
    known = np.flatnonzero(~np.isnan(rows.y))
    ids, moments = rows.features.customer_ids[known], rows.features.as_of[known]
    first = evaluation_folds(ids, moments, rows.known_at[known], parts.bank.models.training)[0]
    searched = _churn_rows(parts, until)
    assert len(searched.y) == len(first.train) < len(known)
    assert rows.known_at[known][first.train].max() < first.test_start


def test_a_learner_without_parameters_cannot_be_tuned(parts: Components) -> None:
    with pytest.raises(DataError, match="the learner 'logistic' has no parameters to search"):
        tune(
            parts,
            "propensity",
            datetime.now(UTC),
            name="x",
            changes=["models.propensity.learner=logistic"],
            budget=BUDGET,
        )
