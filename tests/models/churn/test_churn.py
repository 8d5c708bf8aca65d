from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from domain.errors import DataError, ModelError
from expressions.types import Category
from models.baselines.bg_nbd import BgNbd, activity
from models.calibration import logit
from models.churn.model import ChurnModel, fit_churn
from models.churn.rows import ChurnRows
from models.churn.training import TrainedChurn, train_churn
from models.files import DESCRIPTION_FILE
from models.held_out import MODEL
from models.settings import Training
from tests.models.synthetic import ChurnWorld, churn_world

TRAINING = Training(folds=2, segments=("stage", "segment"))


def train(world: ChurnWorld) -> TrainedChurn:
    rows = ChurnRows(world.features, world.y, world.known_at, world.names)
    return train_churn(rows, TRAINING, horizon_days=60, num_threads=1)


@pytest.fixture(scope="module")
def world() -> ChurnWorld:
    return churn_world(600, 10, 6)


@pytest.fixture(scope="module")
def trained(world: ChurnWorld) -> TrainedChurn:
    return train(world)


def log_loss(probability: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(probability) + (1 - y) * np.log(1 - probability)).mean())


def test_the_model_beats_every_baseline_on_rows_it_has_not_seen(trained: TrainedChurn) -> None:
    held_out = trained.held_out
    losses = {name: log_loss(scores, held_out.y) for name, scores in held_out.scores.items()}
    assert set(held_out.baselines) == {"prevalence", "bg_nbd"}
    assert all(losses[MODEL] < losses[name] - 0.01 for name in held_out.baselines)
    assert held_out.scores[MODEL].mean() == pytest.approx(held_out.y.mean(), abs=0.03)


def test_judged_rows_carry_their_segments_by_name(trained: TrainedChurn) -> None:
    assert set(trained.held_out.groups) == {"stage", "segment"}
    assert set(trained.held_out.groups["segment"]) == {"mass", "affluent", "student", "senior"}
    assert set(trained.held_out.fold.tolist()) == {0, 1}


def test_a_customer_alone_gets_the_score_of_the_batch(world: ChurnWorld, trained: TrainedChurn) -> None:
    batch = trained.model.predict(world.features.take(np.arange(200)))
    alone = [trained.model.predict(world.features.take(np.array([row])))[0] for row in range(0, 200, 7)]
    assert alone == batch[::7].tolist()


def test_a_model_read_from_files_predicts_the_same(world: ChurnWorld, trained: TrainedChurn, tmp_path: Path) -> None:
    trained.model.to_files(tmp_path / "churn")
    again = ChurnModel.from_files(tmp_path / "churn")
    assert np.array_equal(again.predict(world.features), trained.model.predict(world.features))
    assert again.schema == trained.model.schema


def test_the_rate_of_churn_is_kept_and_files_of_former_versions_have_none(
    world: ChurnWorld, trained: TrainedChurn, tmp_path: Path
) -> None:
    assert trained.model.rate == pytest.approx(world.y.mean(), abs=0.001)
    trained.model.to_files(tmp_path)
    assert ChurnModel.from_files(tmp_path).rate == trained.model.rate
    file = tmp_path / DESCRIPTION_FILE
    former = {name: value for name, value in json.loads(file.read_text()).items() if name != "rate"}
    file.write_text(json.dumps(former))
    assert ChurnModel.from_files(tmp_path).rate is None


def test_training_twice_gives_the_same_model(world: ChurnWorld, trained: TrainedChurn) -> None:
    assert np.array_equal(train(world).held_out.scores[MODEL], trained.held_out.scores[MODEL])


def test_contributions_add_up_to_the_prediction(world: ChurnWorld, trained: TrainedChurn, early: ChurnModel) -> None:
    few = world.features.take(np.arange(20))
    for model in (trained.model, early):
        parts = model.explain(few)
        np.testing.assert_allclose(parts.intercept + parts.values.sum(axis=1), logit(model.predict(few)), atol=1e-9)
        assert model.shap_values(few).shape == (20, len(world.names))


def test_features_of_another_schema_are_refused(world: ChurnWorld, trained: TrainedChurn) -> None:
    with pytest.raises(ModelError, match="no 'stage'"):
        trained.model.predict(world.features.select([name for name in world.names if name != "stage"]))
    other = dataclasses.replace(world.features, schema={**world.features.schema, "stage": Category(("new",))})
    with pytest.raises(ModelError, match="'stage' has another type"):
        trained.model.predict(other)


def test_one_class_is_refused_with_the_counts(world: ChurnWorld) -> None:
    with pytest.raises(ModelError, match="0 who churned and"):
        train(dataclasses.replace(world, y=np.zeros_like(world.y)))


def test_labels_that_are_all_open_are_refused(world: ChurnWorld) -> None:
    with pytest.raises(DataError, match="no churn label is mature yet"):
        train(dataclasses.replace(world, y=np.full_like(world.y, np.nan)))


def test_open_labels_are_left_out(world: ChurnWorld) -> None:
    y = np.where(world.features.as_of == world.features.as_of.max(), np.nan, world.y)
    trained = train(dataclasses.replace(world, y=y))
    assert trained.rows == len(y) - 600
    assert trained.held_out.as_of.max() < world.features.as_of.max()


def test_probabilities_follow_a_share_of_churners_that_falls(world: ChurnWorld) -> None:
    anchor = np.unique(world.features.as_of, return_inverse=True)[1]
    stays = np.random.default_rng(3).random(len(world.y)) < anchor / anchor.max() * 0.7
    y, names, training = np.where(stays, 0.0, world.y), tuple(world.features.columns), TRAINING
    late = world.features.take(anchor >= 8)
    following, steady = (
        fit_churn(world.features, y, names, settings, known_at=world.known_at, num_threads=1).predict(late).mean()
        for settings in (training, dataclasses.replace(training, evaluated_by="customers"))
    )
    seen = y[anchor >= 8].mean()
    assert following == pytest.approx(seen, abs=0.02)
    assert steady > seen + 0.03


@pytest.fixture(scope="module")
def quiet_world(world: ChurnWorld) -> ChurnWorld:
    """The same customers, but they become inactive as BG/NBD says."""
    truth = BgNbd(shape=0.8, rate=10.0, dropout_alpha=1.0, dropout_beta=12.0)
    probability = np.clip(truth.inactive(*activity(world.features), 67.0), 1e-9, 1.0 - 1e-9)
    y = (np.random.default_rng(5).random(len(probability)) < probability).astype(float)
    return dataclasses.replace(world, y=y, truth=probability)


@pytest.fixture(scope="module")
def early(quiet_world: ChurnWorld) -> ChurnModel:
    """A model of the rows whose labels were known first."""
    return fitted(quiet_world, quiet_world.known_at < quiet_world.known_at[3000])


def fitted(world: ChurnWorld, rows: np.ndarray, names: tuple[str, ...] | None = None) -> ChurnModel:
    places = np.flatnonzero(rows)
    features, y, known_at = world.features.take(places), world.y[places], world.known_at[places]
    return fit_churn(features, y, names or world.names, TRAINING, known_at=known_at, num_threads=1)


def test_what_bg_nbd_knows_is_learned_from_few_rows(quiet_world: ChurnWorld, early: ChurnModel) -> None:
    late = np.arange(3600, 6000)
    y, best = quiet_world.y[late], log_loss(quiet_world.truth[late], quiet_world.y[late])
    assert early.inactivity is not None
    assert early.inactivity.horizon_days == 67.0
    assert log_loss(early.predict(quiet_world.features.take(late)), y) < best + 0.015  # trees alone: 0.043
    blind = tuple(name for name in quiet_world.names if name != "active_days_365d")
    model = fitted(quiet_world, quiet_world.known_at < quiet_world.known_at[3000], blind)
    assert model.inactivity is None
    assert model.chosen.startswith("trees, ")
    assert "trees on BG/NBD" not in model.chosen


def test_trees_start_from_bg_nbd_where_that_is_better_out_of_fold_and_say_so(
    early: ChurnModel, trained: TrainedChurn, tmp_path: Path
) -> None:
    other = trained.model
    assert isinstance(other, ChurnModel)
    for model, form in ((early, "trees on BG/NBD"), (other, "trees")):
        losses = [float(part.split()[-1]) for part in model.chosen.split(": ")[1].split(";")[0].split(", ")]
        assert model.inactivity is not None
        assert (model.inactivity.weight > 0.0) == (form == "trees on BG/NBD")
        assert model.chosen.split(", ")[0] == form
        assert losses.index(min(losses)) == ("trees on BG/NBD", "trees").index(form)
        model.to_files(tmp_path / form)
        again = ChurnModel.from_files(tmp_path / form)
        assert (again.inactivity, again.chosen) == (model.inactivity, model.chosen)


def test_few_customers_start_from_bg_nbd(quiet_world: ChurnWorld) -> None:
    few = np.isin(quiet_world.features.customer_ids, [f"c{number:06d}" for number in range(25)])
    assert fitted(quiet_world, few).chosen.startswith("trees on BG/NBD, ")


def test_files_of_former_versions_do_not_start_from_bg_nbd(early: ChurnModel, tmp_path: Path) -> None:
    early.to_files(tmp_path)
    file = tmp_path / DESCRIPTION_FILE
    description = json.loads(file.read_text())
    assert description["inactivity"].pop("weight") > 0.0
    del description["inactivity"]["centre"], description["chosen"]
    file.write_text(json.dumps(description))
    former = ChurnModel.from_files(tmp_path)
    assert former.inactivity is not None
    assert former.inactivity.start(np.array([-3.0, 2.0])).tolist() == [0.0, 0.0]
    assert former.chosen == ""


def test_damaged_and_foreign_files_are_refused(trained: TrainedChurn, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        ChurnModel.from_files(tmp_path)
    trained.model.to_files(tmp_path)
    (tmp_path / "model.json").write_text('{"kind": "propensity", "format": 1}')
    with pytest.raises(ModelError, match="another kind of model"):
        ChurnModel.from_files(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        ChurnModel.from_files(tmp_path)
