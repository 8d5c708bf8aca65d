import numpy as np
import pytest

from decisioning.outcomes.realised import realisation
from domain.errors import DataError


def impressions(seed, true_over_expected, n=3_000):
    generator = np.random.default_rng(seed)
    expected = 60.0 * generator.beta(2.0, 30.0, n)
    customer = generator.integers(0, n // 3, n)
    return 60.0 * (generator.random(n) < true_over_expected * expected / 60.0), expected, customer


def test_the_interval_covers_the_true_ratio_as_often_as_it_promises():
    covered = 0
    for seed in range(200):
        came, expected, customer = impressions(seed, 0.7, n=900)
        ratio = realisation(came, expected, customer=customer).ratio
        covered += ratio.low <= 0.7 <= ratio.high
    assert 184 <= covered <= 198


@pytest.mark.parametrize(("truth", "off"), [(0.5, True), (1.0, False), (1.9, True)])
def test_an_offer_that_does_not_earn_what_it_promised_raises_an_alarm(truth, off):
    assert realisation(*impressions(3, truth)[:2]).is_off is off


def test_too_few_impressions_raise_no_alarm_however_far_off():
    few = realisation([0.0] * 5, [3.0] * 5)
    assert few.ratio.value == 0.0
    assert not few.is_off


def test_a_small_difference_is_no_alarm_however_certain():
    came = np.tile([54.0, 56.0], 5_000)
    found = realisation(came, np.full(10_000, 60.0))
    assert found.ratio.high < 1.0
    assert not found.is_off


def test_nothing_expected_has_no_ratio():
    assert np.isnan(realisation([0.0, 1.0], [0.0, 0.0]).ratio.value)


@pytest.mark.parametrize("expected", [[-1.0, 1.0], [float("inf"), 1.0]])
def test_unusable_expectations_are_refused(expected):
    with pytest.raises(DataError, match="not usable"):
        realisation([1.0, 1.0], expected)
