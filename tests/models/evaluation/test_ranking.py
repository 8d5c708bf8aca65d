import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from models.evaluation.gains import area_under_gain, gain_curve, lift_at
from models.evaluation.metrics import area_under_roc, average_precision
from models.evaluation.ranked import RankedCounts, WeightedRanking, descending_groups

rows = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


def columns(drawn):
    score, y, weight = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    return score / 7.0, y, weight


def both_classes(y, weight):
    return (weight * y).sum() > 0 and (weight * (1 - y)).sum() > 0


@given(rows)
def test_auc_and_average_precision_agree_with_scikit_learn_under_weights_and_ties(drawn):
    score, y, weight = columns(drawn)
    if not both_classes(y, weight):
        return
    counts = RankedCounts.of(score, y, weight)
    assert area_under_roc(counts) == pytest.approx(metrics.roc_auc_score(y, score, sample_weight=weight))
    expected = metrics.average_precision_score(y, score, sample_weight=weight)
    assert average_precision(counts) == pytest.approx(expected)


@given(rows)
def test_the_area_under_the_gain_curve_follows_from_auc_and_prevalence(drawn):
    score, y, weight = columns(drawn)
    if not both_classes(y, weight):
        return
    counts = RankedCounts.of(score, y, weight)
    prevalence = (weight * y).sum() / weight.sum()
    expected = prevalence / 2 + (1 - prevalence) * area_under_roc(counts)
    assert area_under_gain(counts) == pytest.approx(expected)


@given(rows)
def test_weights_count_like_repeated_rows(drawn):
    score, y, weight = columns(drawn)
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    if not both_classes(y, weight):
        return
    weighted, plain = RankedCounts.of(score, y, weight), RankedCounts.of(score[repeated], y[repeated])
    for metric in (area_under_roc, average_precision, area_under_gain, lambda counts: lift_at(counts, 0.1)):
        assert metric(weighted) == pytest.approx(metric(plain))


def test_lift_takes_the_fitting_part_of_a_tie():
    counts = RankedCounts.of(np.full(10, 0.5), np.array([1.0] * 2 + [0.0] * 8))
    assert lift_at(counts, 0.1) == pytest.approx(1.0)


def test_lift_of_a_perfect_ranking_is_the_inverse_of_the_share_when_positives_are_enough():
    y = np.repeat([1.0, 0.0], [20, 80])
    assert lift_at(RankedCounts.of(np.linspace(1, 0, 100), y), 0.1) == pytest.approx(5.0)


def test_the_gain_curve_of_a_constant_score_is_the_diagonal():
    contacted, found = gain_curve(RankedCounts.of(np.full(8, 0.3), np.repeat([1.0, 0.0], 4)))
    np.testing.assert_allclose(found, contacted)


def test_one_class_alone_has_no_auc():
    counts = RankedCounts.of(np.array([0.1, 0.2]), np.zeros(2))
    assert np.isnan(area_under_roc(counts))
    assert np.isnan(average_precision(counts))
    assert np.isnan(lift_at(counts, 0.1))


def test_grouped_scores_give_the_auc_of_single_ones_to_five_digits():
    random = np.random.default_rng(0)
    score = random.random(20_000)
    y = (random.random(20_000) < score**2).astype(float)
    groups, count = descending_groups(score, 2_048)
    assert count <= 2_048
    coarse = RankedCounts(np.bincount(groups, weights=y), np.bincount(groups, weights=1 - y))
    assert area_under_roc(coarse) == pytest.approx(area_under_roc(RankedCounts.of(score, y)), abs=1e-5)


def test_weighted_customers_give_the_counts_of_their_rows():
    score, y = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])
    customers = np.array([0, 0, 1, 1])
    counts = WeightedRanking.of(score, y, customers).weighted(np.array([[2.0, 0.0], [1.0, 3.0]]))
    np.testing.assert_array_equal(counts.positives, [[2, 1, 0], [0, 3, 0]])
    np.testing.assert_array_equal(counts.negatives, [[0, 2, 1], [0, 0, 3]])
