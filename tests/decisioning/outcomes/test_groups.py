"""Comparison of groups against worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.outcomes.groups import compare_groups
from domain.errors import DataError


def world(seed, effect, customers=600, share=0.2):
    """Rare outcomes of 60, which depend on the customer; the holdout has fewer by `effect`."""
    generator = np.random.default_rng(seed)
    likes = 3.0 * generator.beta(1.0, 8.0, customers)
    held = generator.random(customers) < share
    outcome = 60.0 * generator.poisson(np.where(held, likes, likes * (1.0 + effect)))
    before = 60.0 * generator.poisson(2.0 * likes)
    return outcome, np.where(held, "holdout", "programme"), before, 20.0 * effect


def test_intervals_cover_the_truth_as_often_as_they_promise():
    covered = 0
    for seed in range(200):
        outcome, group, before, truth = world(seed, 0.5)
        gain = compare_groups(outcome, group, "holdout", before=before)[1].gain
        covered += gain.low <= truth <= gain.high
    assert 184 <= covered <= 198


def test_what_was_known_before_narrows_the_interval_and_leaves_the_effect():
    outcome, group, before, _ = world(1, 0.5, customers=20_000)
    plain = compare_groups(outcome, group, "holdout")[1].gain
    adjusted = compare_groups(outcome, group, "holdout", before=before)[1].gain
    assert adjusted.high - adjusted.low < 0.95 * (plain.high - plain.low)
    assert plain.low < adjusted.value < plain.high


def test_households_are_one_observation():
    generator = np.random.default_rng(4)
    home = np.repeat(generator.normal(size=500), 4)
    group = np.repeat(np.where(np.arange(500) % 2, "a", "b"), 4)
    alone = compare_groups(home, group, "b")[1].gain
    together = compare_groups(home, group, "b", unit=np.repeat(np.arange(500), 4))[1].gain
    assert together.high - together.low > 1.8 * (alone.high - alone.low)


def test_customers_without_an_outcome_count():
    [held, shown] = compare_groups([60.0] * 50 + [0.0] * 150, ["a"] * 100 + ["b"] * 100, "b")
    assert (held.customers, shown.mean.value, shown.gain.value) == (100, 30.0, 30.0)


def test_groups_of_a_few_customers_have_no_interval():
    [_, few] = compare_groups([1.0, 2.0] * 200, ["few"] * 20 + ["control"] * 380, "control")
    assert few.gain.value == 0.0
    assert np.isnan([few.gain.low, few.mean.high]).all()


def test_three_best_of_twenty_trials_of_nothing_add_up_to_a_gain_that_the_holdout_does_not_show():
    """What is shipped looks good one by one; only customers who were shown nothing say what it was worth."""
    claimed = []
    for seed in range(20):
        outcome, group, *_ = world(seed, 0.0, customers=400, share=0.5)
        claimed.append(compare_groups(outcome, group, "holdout")[1].gain.value)
    assert sum(sorted(claimed)[-3:]) > 0.2 * 20.0
    outcome, group, before, truth = world(99, 0.0, customers=2_000)
    programme = compare_groups(outcome, group, "holdout", before=before)[1].gain
    assert truth == 0.0
    assert programme.low <= 0.0 <= programme.high


@settings(max_examples=20)
@given(st.permutations(range(120)))
def test_the_order_of_customers_does_not_change_the_estimate(order):
    outcome, group, *_ = world(2, 0.5, customers=120)
    first = compare_groups(outcome, group, "holdout")
    again = compare_groups(outcome[list(order)], group[list(order)], "holdout")
    assert [one.customers for one in first] == [one.customers for one in again]
    assert first[1].gain.value == pytest.approx(again[1].gain.value)


@pytest.mark.parametrize(
    ("outcome", "group", "what"),
    [
        ([], [], "nothing to compare"),
        ([1.0], ["a", "b"], "another shape"),
        ([1.0, float("nan")], ["a", "b"], "not a number"),
        ([1.0, 2.0], ["a", "a"], "nobody is in the control group"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(outcome, group, what):
    with pytest.raises(DataError, match=what):
        compare_groups(outcome, group, "b")
