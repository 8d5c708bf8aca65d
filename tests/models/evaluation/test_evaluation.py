from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from domain.errors import DataError
from models.evaluation.estimate import CustomerDraws
from models.evaluation.evaluation import COMPARED, evaluate
from models.evaluation.scored import score_columns
from models.settings import Economics
from tests.models.evaluation.worlds import judged_world


@pytest.fixture(scope="module")
def held_out():
    return judged_world()


@pytest.fixture(scope="module")
def evaluation(held_out):
    return evaluate(held_out, economics=Economics())


def test_values_are_exact_and_inside_their_intervals(held_out, evaluation):
    model = evaluation.model
    assert model["auc_pooled"].value == pytest.approx(metrics.roc_auc_score(held_out.y, held_out.scores["model"]))
    of_folds = [fold.scores["model"]["auc"].value for fold in evaluation.folds]
    assert model["auc"].value == pytest.approx(np.mean(of_folds))
    for name, estimate in model.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_a_calibrated_model_is_found_calibrated(evaluation):
    slope, intercept = evaluation.model["calibration_slope"], evaluation.model["calibration_intercept"]
    assert slope.low < 1.0 < slope.high
    assert intercept.low < 0.0 < intercept.high
    assert evaluation.model["calibration_error"].value < 0.03


def test_improvements_are_paired_and_tighter_than_the_difference_of_two_intervals(evaluation):
    better = evaluation.improvements["noisy"]["auc"]
    model, noisy = evaluation.scores["model"]["auc"], evaluation.scores["noisy"]["auc"]
    assert better.value == pytest.approx(model.value - noisy.value)
    assert better.low > 0.0
    assert better.high - better.low < (model.high - model.low) + (noisy.high - noisy.low)


def test_improvement_is_positive_where_the_model_is_better_also_for_losses(evaluation):
    assert evaluation.improvements["prevalence"]["log_loss"].low > 0.0
    assert evaluation.improvements["prevalence"]["brier"].low > 0.0
    assert "calibration_slope" not in evaluation.improvements["prevalence"]


def test_a_model_compared_with_itself_is_no_better_at_all(held_out):
    twin = replace(held_out, scores={"model": held_out.scores["model"], "twin": held_out.scores["model"]})
    better = evaluate(twin, replicates=20).improvements["twin"]["log_loss"]
    assert (better.value, better.low, better.high) == (0.0, 0.0, 0.0)


def test_a_constant_per_fold_is_no_model_however_the_base_rate_drifts(held_out):
    rates = np.array([held_out.y[held_out.fold == fold].mean() for fold in range(3)])
    drifting = replace(held_out, scores={"model": 0.1 + 0.2 * held_out.fold + 1e-3 * rates[held_out.fold]})
    found = evaluate(drifting, replicates=50).model
    assert found["auc"].value == 0.5
    assert found["auc_pooled"].value != 0.5


def test_the_same_seed_gives_the_same_intervals_whatever_the_order_of_rows(held_out, evaluation):
    shuffled = held_out.take(np.random.default_rng(0).permutation(len(held_out)))
    again = evaluate(shuffled, economics=Economics())
    for name, estimate in evaluation.model.items():
        assert again.model[name].low == pytest.approx(estimate.low, rel=1e-6, abs=1e-9), name


def test_repeating_each_customers_rows_does_not_make_intervals_narrower(held_out, evaluation):
    doubled = evaluate(held_out.take(np.repeat(np.arange(len(held_out)), 2)))
    once, twice = evaluation.model["auc"], doubled.model["auc"]
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.02)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = 0.78
    worlds = [_small_world(seed) for seed in range(120)]
    held = 0
    for y, score, customers in worlds:
        draws = CustomerDraws.of(customers, replicates=100, seed=1)
        estimate = score_columns({"model": score}, y, np.zeros(len(y), np.int64), draws, None)["model"].estimates()
        held += estimate["auc"].low <= truth <= estimate["auc"].high
    assert 0.88 <= held / len(worlds) <= 0.99


def _small_world(seed):
    """Each customer has three alike rows; AUC of the score is known: two normals a distance apart."""
    random = np.random.default_rng(seed)
    y = np.repeat((random.random(200) < 0.3).astype(float), 3)
    distance = 1.0920  # sqrt(2) times the normal quantile of 0.78
    normal = np.repeat(random.normal(size=200), 3) + distance * y
    return y, 1 / (1 + np.exp(-normal)), np.repeat(np.arange(200).astype(str).astype(object), 3)


def test_groups_that_are_too_small_are_said_as_such_and_none_is_left_out(held_out):
    labels = np.array(["big"] * len(held_out), dtype=object)
    labels[:3] = "tiny"
    groups = evaluate(replace(held_out, groups={"stage": labels}), replicates=5).groups
    assert [(group.group, group.rows) for group in groups] == [("big", len(held_out) - 3), ("tiny", 3)]
    assert groups[0].auc is not None
    assert groups[0].calibration_ratio_low <= groups[0].calibration_ratio <= groups[0].calibration_ratio_high
    assert groups[1].auc is None
    assert groups[1].calibration_ratio is None
    assert groups[1].seen_high > groups[1].seen_low


def test_unknown_is_a_group_of_its_own(evaluation, held_out):
    stages = [group for group in evaluation.groups if group.grouping == "stage"]
    assert {group.group for group in stages} == {"growth", "mature", "(unknown)"}
    assert sum(group.rows for group in stages) == len(held_out)


def test_folds_are_in_the_order_of_time(evaluation, held_out):
    assert [fold.fold for fold in evaluation.folds] == [0, 1, 2]
    assert evaluation.folds[0].first < evaluation.folds[1].first
    assert sum(fold.rows for fold in evaluation.folds) == len(held_out)
    assert set(evaluation.folds[0].scores) == {"model", "prevalence", "noisy"}


def test_metrics_are_flat_with_bounds_and_baselines(evaluation):
    flat = evaluation.to_metrics()
    assert flat["auc_low"] < flat["auc"] < flat["auc_high"]
    assert flat["baseline_prevalence_auc"] == 0.5
    assert "baseline_prevalence_calibration_slope" not in flat
    assert np.isnan(evaluation.scores["prevalence"]["calibration_slope"].value)
    assert {f"{metric}_over_noisy_low" for metric in COMPARED} <= set(flat)
    assert flat["expected_maximum_profit"] > 0.0


def test_tables_hold_everything_as_rows(evaluation):
    tables = evaluation.to_tables()
    assert list(tables) == ["scores", "improvements", "folds", "groups", "reliability", "gain"]
    assert all(len(table) for table in tables.values())
    assert tables["gain"]["model"].iloc[-1] == pytest.approx(1.0)


def test_one_class_gives_undefined_metrics_and_not_an_error(held_out):
    evaluation = evaluate(replace(held_out, y=np.zeros(len(held_out))), replicates=5)
    assert np.isnan(evaluation.model["auc"].value)
    assert np.isnan(evaluation.model["brier_skill"].value)
    assert evaluation.model["log_loss"].value > 0.0


def test_nothing_judged_is_an_error(held_out):
    with pytest.raises(DataError, match="no held-out predictions"):
        evaluate(held_out.take(np.zeros(len(held_out), bool)))
