import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import beta

from models.evaluation.gains import expected_maximum_profit
from models.evaluation.ranked import RankedCounts
from models.settings import Economics


def brute_force(score, y, weight, economics, points=4_001):
    """Try every cut at every acceptance rate, and integrate over the rate."""
    cuts = [np.inf, *np.unique(score)[::-1]]
    churners = np.array([(weight * y)[score >= cut].sum() for cut in cuts]) / weight.sum()
    others = np.array([(weight * (1 - y))[score >= cut].sum() for cut in cuts]) / weight.sum()
    rate = np.linspace(0, 1, points)[:, None]
    scores = rate * (economics.customer_lifetime_value - economics.offer_cost) - economics.contact_cost
    profit = scores * churners - (economics.offer_cost + economics.contact_cost) * others
    density = beta.pdf(rate[:, 0], economics.accept_alpha, economics.accept_beta)
    return trapezoid(profit.max(axis=1) * density, rate[:, 0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "economics",
    [Economics(), Economics(customer_lifetime_value=60, offer_cost=25, contact_cost=5, accept_alpha=2, accept_beta=3)],
)
def test_the_sum_over_the_hull_is_the_integral_over_acceptance_rates(seed, economics):
    random = np.random.default_rng(seed)
    score = np.round(random.random(300), 2)
    y = (random.random(300) < 0.1 + 0.4 * score).astype(float)
    weight = random.integers(0, 3, 300).astype(float)
    expected = brute_force(score, y, weight, economics)
    found = expected_maximum_profit(RankedCounts.of(score, y, weight), economics)
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_score_that_knows_nothing_earns_what_contacting_everybody_or_nobody_earns():
    y = np.repeat([1.0, 0.0], [30, 70])
    economics = Economics()
    everybody = 0.3 * (0.3 * 190 - 1) - 0.7 * 11
    found = float(expected_maximum_profit(RankedCounts.of(np.full(100, 0.5), y), economics))
    assert found >= everybody
    assert found == pytest.approx(brute_force(np.full(100, 0.5), y, np.ones(100), economics), rel=1e-5)


def test_an_incentive_above_the_value_it_keeps_is_never_offered():
    counts = RankedCounts.of(np.array([0.9, 0.1]), np.array([1.0, 0.0]))
    assert expected_maximum_profit(counts, Economics(customer_lifetime_value=5.0, offer_cost=10.0)) == 0.0


def test_nobody_to_keep_is_no_profit_and_no_loss():
    assert expected_maximum_profit(RankedCounts.of(np.array([0.9, 0.1]), np.zeros(2)), Economics()) == 0.0
