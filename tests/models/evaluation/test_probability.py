import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from models.evaluation.calibration import Recalibration, Reliability, calibration_error, newton_step
from models.evaluation.estimate import estimate_of_replicates, wilson_interval
from models.evaluation.metrics import ratio
from models.evaluation.probability import brier_skill, equal_count_bins, log_losses, logit, squared_errors


@pytest.fixture
def world():
    random = np.random.default_rng(5)
    probability = random.beta(1, 6, 5_000)
    return probability, (random.random(5_000) < probability).astype(float)


def test_brier_and_log_loss_agree_with_scikit_learn(world):
    probability, y = world
    assert squared_errors(probability, y).mean() == pytest.approx(metrics.brier_score_loss(y, probability))
    assert log_losses(probability, y).mean() == pytest.approx(metrics.log_loss(y, probability))


def test_a_certain_mistake_has_a_finite_log_loss():
    assert np.isfinite(log_losses(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def test_the_reference_of_the_brier_skill_is_each_folds_own_prevalence():
    # fold 0: 1 of 4, fold 1: 2 of 4; saying exactly that leaves 0.75 + 1.0
    assert brier_skill(np.array(1.75), np.array([1.0, 2.0]), np.array([4.0, 4.0])) == 0.0
    assert brier_skill(np.array(0.0), np.array([1.0, 2.0]), np.array([4.0, 4.0])) == 1.0


def test_without_both_classes_there_is_no_brier_skill():
    assert np.isnan(brier_skill(np.array(0.1), np.array([0.0]), np.array([4.0])))


def test_bins_have_equal_counts_and_keep_ties_together():
    bins, count = equal_count_bins(np.arange(100.0), 10)
    assert count == 10
    assert np.bincount(bins).tolist() == [10] * 10
    tied, tied_count = equal_count_bins(np.array([0.1] * 90 + [0.2] * 10), 10)
    assert tied_count == 2
    assert np.bincount(tied).tolist() == [90, 10]


def test_calibration_error_is_the_mean_distance_of_said_and_seen(world):
    probability, y = world
    bins, count = equal_count_bins(probability, 10)
    expected = sum(abs((probability - y)[bins == number].sum()) for number in range(count)) / len(y)
    said, seen = np.bincount(bins, weights=probability), np.bincount(bins, weights=y)
    assert calibration_error(said, seen) / len(y) == pytest.approx(expected)


def test_recalibration_is_the_logistic_regression_on_log_odds(world):
    probability, y = world
    pushed = 1 / (1 + np.exp(-(0.5 + 1.7 * logit(probability))))
    fitted = Recalibration.fit(pushed, y)
    reference = LogisticRegression(C=1e12, tol=1e-10).fit(logit(pushed)[:, None], y)
    assert fitted.slope == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    assert fitted.intercept == pytest.approx(reference.intercept_[0], abs=1e-4)
    assert fitted.slope == pytest.approx(1 / 1.7, abs=0.05)


def test_one_step_from_the_fit_on_all_rows_comes_close_to_the_fit_on_a_sample(world):
    probability, y = world
    weights = np.random.default_rng(1).multinomial(len(y), np.full(len(y), 1 / len(y)))
    fitted = Recalibration.fit(probability, y)
    intercept_step, slope_step = newton_step((fitted.terms(probability, y) * weights[:, None]).sum(axis=0))
    repeated = np.repeat(np.arange(len(y)), weights)
    exact = Recalibration.fit(probability[repeated], y[repeated])
    assert fitted.slope + slope_step == pytest.approx(exact.slope, abs=0.003)
    assert fitted.intercept + intercept_step == pytest.approx(exact.intercept, abs=0.005)


@pytest.mark.parametrize(
    ("probability", "y"),
    [
        (np.full(10, 0.3), np.array([1.0] * 3 + [0.0] * 7)),
        (np.linspace(0.1, 0.9, 10), np.zeros(10)),
        (np.linspace(0.1, 0.9, 10), np.repeat([0.0, 1.0], 5)),
    ],
    ids=["constant", "one class", "separated"],
)
def test_where_no_slope_can_be_fitted_there_is_none(probability, y):
    assert np.isnan(Recalibration.fit(probability, y).slope)


def test_reliability_says_what_was_seen_with_its_interval(world):
    reliability = Reliability.of(*world)
    assert reliability.rows.sum() == 5_000
    assert (reliability.seen_low <= reliability.seen).all()
    assert (reliability.seen <= reliability.seen_high).all()
    inside = (reliability.seen_low <= reliability.said) & (reliability.said <= reliability.seen_high)
    assert inside.mean() >= 0.8


def test_the_wilson_interval_of_nothing_seen_does_not_end_at_zero():
    low, high = wilson_interval(0, 50)
    assert low == 0.0
    assert high == pytest.approx(0.0713, abs=1e-4)
    assert np.isnan(wilson_interval(0, 0)[0])


def test_an_interval_needs_most_replicates_to_be_defined():
    replicates = np.array([0.5, np.nan, np.nan, 0.6])
    assert np.isfinite(estimate_of_replicates(0.5, replicates, (0, 1)).low)
    assert np.isnan(estimate_of_replicates(0.5, np.full(4, np.nan), (0, 1)).low)


def test_a_ratio_without_a_denominator_is_not_defined():
    assert np.isnan(ratio(1.0, 0.0))
