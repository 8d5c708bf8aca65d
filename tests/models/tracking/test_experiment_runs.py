"""What a run tells: its experiment, data and folds; lists without MLflow; and its model, scored as MLflow loads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from domain.offer import candidates_of
from expressions.types import Boolean, Category
from features.table import FeatureTable
from models.evaluation.evaluation import evaluate
from models.gate import judge_challenger
from models.learners import learner_of
from models.propensity.families import families_of
from models.propensity.impressions import impressions
from models.registry import CHALLENGER, CHAMPION, ModelRegistry
from models.settings import Gate, Learning, Training
from models.tracking.differences import differences
from models.tracking.feature_tags import feature_tags, tagged_features
from models.tracking.run_list import _of_client, list_runs
from models.tracking.runs import LoggedRun, RunFindings, log_run
from models.tracking.store import TrackingStore, quiet_mlflow
from tests.models.evaluation.worlds import judged_world
from tests.models.synthetic import offer_world
from tests.models.tracking.builders import facts, small_model
from tests.tracking_store import tracking_store


class World:
    """A store with a champion, an experiment and a propensity model."""

    def __init__(self, home: Path) -> None:
        self.store = TrackingStore(tracking_store(home / "mlflow.db"), home / "artifacts")
        self.held_out = judged_world(rows=900)
        self.evaluation = evaluate(self.held_out, replicates=20)
        names = tuple(f"feature_{place}" for place in range(900))
        parameters = {"num_leaves": 20, "horizon_days": 60}
        self.champion = self.logged(facts(features=names, parameters=parameters), small_model())
        changed = facts(features=names[:-2], parameters={**parameters, "num_leaves": 31}, experiment="bigger")
        self.experiment = self.logged(changed, small_model())
        self.offers = offer_world(300, 900, 6, count=4)
        self.propensity = self._propensity()

    def logged(self, about: Any, model: Any) -> LoggedRun:
        report = judge_challenger(
            self.evaluation, {"balance": 0.7}, Gate(minimum_positives=10, maximum_calibration_error=1.0), None
        )
        found = RunFindings(held_out=self.held_out, evaluation=self.evaluation, report=report)
        run = log_run(self.store, about, model, found)
        ModelRegistry(self.store).register(run)
        return run

    def _propensity(self) -> Any:
        world = self.offers
        families = families_of(world.catalogue, world.names, world.offers)
        rows = impressions(world.features, world.responses, world.offers, families)
        fit = learner_of("propensity", Learning(learner="lightgbm", parameters={"num_iterations": 20})).fit_propensity
        model = fit(rows, world.names, families, Training(), num_threads=1)
        self.logged(facts(model="propensity", offers=tuple(world.offers)), model)
        return model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("mlflow"))
    yield found
    found.store.client._tracking_client.store._dispose_engine()
    found.store.client._get_registry_client().store._dispose_engine()


def test_an_experiment_has_its_name_as_alias_and_leaves_champion_and_challenger_alone(world: World) -> None:
    registry = ModelRegistry(world.store)
    champion = registry.find("demo-churn", CHAMPION)
    assert champion is not None
    assert champion.run_id == world.champion.run_id
    assert registry.find("demo-churn", CHALLENGER) is None
    version = world.store.client.get_model_version_by_alias("demo-churn", "bigger")
    assert version.run_id == world.experiment.run_id
    assert "| check | value | bound | result |" in version.description


def test_the_list_read_without_mlflow_is_the_one_that_mlflow_gives(world: World) -> None:
    listed = list_runs(world.store.uri, "demo")
    assert [run.run_id for run in listed[1:]] == [world.experiment.run_id, world.champion.run_id]
    assert {run.run_id: run for run in listed} == {run.run_id: run for run in _of_client(world.store.uri, "demo", None)}
    assert list_runs(world.store.uri, "demo", "churn")[0].name == "bigger"
    assert list_runs(world.store.uri, "nobody") == []
    assert list_runs(f"sqlite:///{Path('there') / 'is none.db'}", "demo") == []


def test_what_differs_from_the_champion_is_told_in_words(world: World) -> None:
    experiment, champion = list_runs(world.store.uri, "demo", "churn")
    assert differences(experiment, champion) == [
        "num_leaves 31 instead of 20",
        "without feature_898, feature_899",
    ]
    assert differences(champion, champion) == []
    other = replace(champion, tags={**champion.tags, "data_digest": "99" * 32})
    assert differences(other, champion) == ["events until 2026-06-30 instead of 2026-06-30, log 99999999"]


def test_names_of_features_fit_into_tags_however_many_there_are() -> None:
    names = [f"a_feature_with_quite_a_long_name_{place}" for place in range(2_000)]
    tags = feature_tags(names)
    assert max(map(len, tags.values())) <= 4_000
    assert tagged_features(tags) == tuple(names)
    assert tagged_features({}) == ()


def test_a_run_tells_its_data_and_has_a_child_for_each_fold(world: World) -> None:
    run = world.store.client.get_run(world.champion.run_id)
    inputs = {one.tags[0].value: one.dataset for one in run.inputs.dataset_inputs}
    assert set(inputs) == {"training", "evaluation"}
    assert len(inputs["training"].digest) == 32
    columns = json.loads(inputs["training"].schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == ["balance", "age", "visits"]
    assert json.loads(inputs["evaluation"].profile)["rows"] == len(world.held_out)
    folds = world.store.client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert len(folds) == int(world.held_out.fold.max()) + 1
    assert all(0.5 < child.data.metrics["auc"] < 1.0 for child in folds)
    about = world.store.client.get_experiment(run.info.experiment_id).tags
    assert "demo's churn model" in about["mlflow.note.content"]


def scorer_of(world: World) -> Any:
    version = world.store.client.get_model_version_by_alias("demo-propensity", CHAMPION)
    with quiet_mlflow():
        return mlflow.pyfunc.load_model(version.source)


def frame_of(table: FeatureTable) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, kind in table.schema.items():
        values = table.columns[name]
        if isinstance(kind, Category):
            columns[name] = pd.Categorical.from_codes(values.astype(int), list(kind.values))
        elif isinstance(kind, Boolean):
            columns[name] = pd.array(values == 1.0, dtype="boolean")
        else:
            columns[name] = values
    return pd.DataFrame(columns)


def test_mlflow_loads_the_model_without_pickle_and_scores_as_the_bank_does(world: World) -> None:
    scorer = scorer_of(world)
    table = world.offers.features.take(np.arange(30))
    candidates = list(candidates_of(world.offers.offers))
    chosen = [candidates[place % len(candidates)] for place in range(30)]
    frame = frame_of(table).assign(
        offer=[offer.name for offer, _ in chosen], channel=[treatment.channel for _, treatment in chosen]
    )
    expected = [world.propensity.predict(table.take(np.array([row])), [chosen[row]])[0, 0] for row in range(30)]
    np.testing.assert_array_equal(scorer.predict(frame).to_numpy(), expected)
    folder = Path(
        world.store.client.get_model_version_by_alias("demo-propensity", CHAMPION).source.removeprefix("file://")
    )
    names = {file.name for file in folder.rglob("*")}
    assert {"MLmodel", "offers.json", "input_example.json", "model.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_the_example_of_a_model_can_be_scored_as_it_stands(world: World) -> None:
    scorer = scorer_of(world)
    example = scorer.input_example
    assert example is not None
    assert 0.0 < scorer.predict(example).iloc[0] < 1.0


def test_a_frame_that_lacks_a_column_is_refused_by_the_signature(world: World) -> None:
    scorer = scorer_of(world)
    with pytest.raises(MlflowException, match="number_0"):
        scorer.predict(scorer.input_example.drop(columns="number_0"))
