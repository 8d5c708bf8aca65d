from dataclasses import replace

import numpy as np
import pytest

from models.comparison import compare_with_champion
from models.evaluation.evaluation import evaluate
from models.gate import judge_challenger
from models.settings import Gate
from tests.models.evaluation.worlds import judged_world

GATE = Gate(minimum_positives=100, maximum_calibration_error=0.05)
FEATURES = {"balance": 0.7, "age": 0.6}


@pytest.fixture(scope="module")
def held_out():
    return judged_world()


@pytest.fixture(scope="module")
def evaluation(held_out):
    return evaluate(held_out, replicates=100)


def failed(report):
    return [check.name for check in report.checks if not check.passed]


def noisy(held_out, noise, seed=0):
    odds = np.log(held_out.scores["model"] / (1 - held_out.scores["model"]))
    return 1 / (1 + np.exp(-odds - noise * np.random.default_rng(seed).normal(size=len(odds))))


def test_the_first_good_model_passes_on_absolute_checks_and_baselines(evaluation):
    report = judge_challenger(evaluation, FEATURES, GATE, champion=None)
    assert report.passed
    assert [check.name for check in report.checks] == [
        "enough_positives", "credible_auc", "calibrated", "no_leaking_feature", "better_than_prevalence",
        "not_worse_than_noisy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (replace(GATE, minimum_positives=100_000), "enough_positives"),
        (replace(GATE, maximum_auc=0.55), "credible_auc"),
        (replace(GATE, maximum_calibration_error=0.0), "calibrated"),
        (replace(GATE, maximum_single_feature_auc=0.65), "no_leaking_feature"),
    ],
)
def test_each_bound_alone_keeps_a_challenger_out(evaluation, gate, reason):
    report = judge_challenger(evaluation, FEATURES, gate, champion=None)
    assert failed(report) == [reason]
    assert len(report.failures) == 1


def test_the_sentence_of_a_leak_names_the_feature(evaluation):
    report = judge_challenger(evaluation, {"days_until_exit": 0.99, "age": 0.5}, GATE, champion=None)
    assert report.failures == ("days_until_exit alone has AUC 0.990, at most 0.95 allowed",)


def test_a_model_no_better_than_prevalence_by_more_than_noise_is_kept_out(held_out):
    random = np.random.default_rng(2)
    coin = replace(held_out, scores=dict(held_out.scores) | {"model": 0.2 + 0.02 * random.random(len(held_out))})
    assert "better_than_prevalence" in failed(judge_challenger(evaluate(coin), FEATURES, GATE, champion=None))


def test_a_model_worse_than_a_strong_baseline_is_kept_out(held_out):
    scores = {"model": held_out.scores["noisy"], "prevalence": held_out.scores["prevalence"]}
    worse = replace(held_out, scores=scores | {"strong": held_out.scores["model"]})
    assert "not_worse_than_strong" in failed(judge_challenger(evaluate(worse), FEATURES, replace(GATE), champion=None))


def test_a_model_worse_than_a_baseline_within_noise_passes(held_out):
    ones = [noisy(held_out, 0.03, seed) for seed in (1, 2)]
    ones.sort(key=lambda score: np.where(held_out.y == 1.0, np.log(score), np.log1p(-score)).mean())
    scores = {"model": ones[0], "twin": ones[1], "prevalence": held_out.scores["prevalence"]}
    twins = evaluate(replace(held_out, scores=scores), replicates=100)
    difference = twins.improvements["twin"]["log_loss"]
    assert difference.value < 0.0 < difference.high
    assert judge_challenger(twins, FEATURES, GATE, champion=None).passed


def test_every_difference_that_the_gate_allows_is_a_setting(held_out):
    scores = {"model": held_out.scores["noisy"], "prevalence": held_out.scores["prevalence"]}
    worse = evaluate(replace(held_out, scores=scores | {"strong": held_out.scores["model"]}), replicates=100)
    gate = replace(GATE, maximum_calibration_error=1.0)
    assert failed(judge_challenger(worse, FEATURES, gate, champion=None)) == ["not_worse_than_strong"]
    assert judge_challenger(worse, FEATURES, replace(gate, maximum_worse_than_baseline=1.0), champion=None).passed
    strict = replace(gate, maximum_worse_than_baseline=1.0, minimum_better_than_prevalence=1.0)
    assert failed(judge_challenger(worse, FEATURES, strict, champion=None)) == ["better_than_prevalence"]


def test_what_is_not_defined_does_not_pass(held_out):
    nothing = evaluate(replace(held_out, y=np.zeros(len(held_out))), replicates=5)
    report = judge_challenger(nothing, {}, GATE, champion=None)
    assert {"enough_positives", "credible_auc", "no_leaking_feature"} <= set(failed(report))
    values = {check["name"]: check["value"] for check in report.to_json()["checks"]}
    assert values["credible_auc"] is None


def test_a_challenger_better_than_the_champion_by_more_than_noise_passes(held_out, evaluation):
    comparison = compare_with_champion(held_out, noisy(held_out, 0.8), "rescored")
    assert comparison.improvements["log_loss"].low > 0.0
    assert judge_challenger(evaluation, FEATURES, GATE, comparison).passed


def test_a_challenger_like_the_champion_passes_for_it_has_seen_newer_data(held_out, evaluation):
    comparison = compare_with_champion(held_out, noisy(held_out, 0.02), "rescored")
    assert judge_challenger(evaluation, FEATURES, GATE, comparison).passed


def test_a_challenger_worse_than_the_champion_by_more_than_noise_is_refused(held_out):
    worse = replace(held_out, scores=dict(held_out.scores) | {"model": noisy(held_out, 0.8)})
    comparison = compare_with_champion(worse, held_out.scores["model"], "rescored")
    report = judge_challenger(evaluate(worse, replicates=100), FEATURES, GATE, comparison)
    assert "not_worse_than_champion" in failed(report)
    assert "the champion stays until a challenger passes" in report.failures[-1]


def test_only_rows_that_the_champion_may_be_judged_on_are_compared(held_out):
    scores = np.where(held_out.fold == 2, noisy(held_out, 0.5), np.nan)
    comparison = compare_with_champion(held_out, scores, "rescored")
    assert comparison.rows == int((held_out.fold == 2).sum())
    assert comparison.positives == int(held_out.y[held_out.fold == 2].sum())


def test_without_common_rows_the_champion_stays(held_out, evaluation):
    comparison = compare_with_champion(held_out, np.full(len(held_out), np.nan), "recorded")
    assert comparison.how == "nothing"
    report = judge_challenger(evaluation, FEATURES, GATE, comparison)
    assert failed(report) == ["not_worse_than_champion"]
    assert "no row was scored by the champion as well" in report.failures[0]
