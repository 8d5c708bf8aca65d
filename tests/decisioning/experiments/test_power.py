"""Power against the published figures and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.experiments.power import LARGEST_USEFUL, arm_powers, control_size, detectable_rate
from decisioning.policies.policy import Control
from domain.errors import DataError

RATES = st.floats(0.001, 0.5)


def share_found(control_rate, treated_rate, controls, treated, seed=5, trials=20_000):
    """Share of experiments whose test of two proportions is significant."""
    draw = np.random.default_rng(seed)
    p1 = draw.binomial(controls, control_rate, trials) / controls
    p2 = draw.binomial(treated, treated_rate, trials) / treated
    error = np.sqrt(p1 * (1 - p1) / controls + p2 * (1 - p2) / treated)
    return float((np.abs(p2 - p1) > 1.959964 * error).mean())


@pytest.mark.parametrize(("rate", "lift", "k"), [(0.05, 0.1, 1.0), (0.05, 0.1, 9.0), (0.02, 0.3, 4.0), (0.3, 0.1, 0.5)])
def test_experiments_of_this_size_find_the_effect_in_four_of_five(rate, lift, k):
    controls = round(control_size(rate, rate * (1 + lift), k))
    assert share_found(rate, rate * (1 + lift), controls, round(controls * k)) == pytest.approx(0.8, abs=0.015)
    assert share_found(rate, rate, controls, round(controls * k)) == pytest.approx(0.05, abs=0.01)


def test_half_of_it_is_not_enough():
    controls = round(control_size(0.05, 0.055, 1.0))
    assert share_found(0.05, 0.055, controls // 2, controls // 2) < 0.6


def test_the_figures_that_banks_plan_with():
    control = control_size(0.05, 0.055, 49.0)
    assert round(control, -3) == 15_000
    assert round(control * 50, -3) == 762_000


@given(rate=RATES, controls=st.floats(10, 1e7), k=st.floats(0.1, 100))
def test_the_smallest_rate_that_is_told_needs_exactly_so_many(rate, controls, k):
    found = detectable_rate(rate, controls, k)
    assert found > rate
    if found < 1.0:
        assert control_size(rate, found, k) == pytest.approx(controls, rel=1e-6)


def test_an_arm_that_tells_only_what_never_happens_is_too_small():
    control = Control(random_offer_share=0.02, no_levers_share=0.3)
    small, large = sorted(arm_powers(control, 0.05, 20_000), key=lambda one: one.share)
    assert (small.arm, small.is_too_small) == ("random_offer", True)
    assert (large.arm, large.effect < small.effect) == ("no_levers", True)
    assert small.effect > LARGEST_USEFUL
    assert arm_powers(control, 0.05, 0)[0].effect == math.inf
    assert arm_powers(Control(), 0.05, 1_000) == []


@pytest.mark.parametrize("numbers", [(0.0, 0.1, 1.0), (0.1, 1.0, 1.0), (0.1, 0.1, 1.0), (0.1, 0.2, 0.0)])
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(DataError):
        control_size(*numbers)
