from __future__ import annotations

import numpy as np
import pytest

from models.baselines.bg_nbd import activity, bg_nbd_scores, fit_bg_nbd
from models.baselines.per_offer import per_offer_logistic
from models.baselines.popularity import offer_rates, prevalence
from tests.models.synthetic import churn_world, offer_world


def test_prevalence_is_never_zero_or_one() -> None:
    assert 0 < prevalence(np.zeros(5), 1)[0] < prevalence(np.ones(5), 1)[0] < 1


def test_rarely_put_offers_are_rated_near_all_offers() -> None:
    offer = np.array(["often"] * 5000 + ["once"], dtype=object)
    y = np.append(np.tile([0.0] * 9 + [1.0], 500), 1.0)
    rates = offer_rates(offer, y, np.array(["often", "once", "never"], dtype=object))
    assert rates == pytest.approx([0.1, 0.11, 0.1], abs=0.01)


def test_bg_nbd_finds_the_parameters_of_a_simulated_bank() -> None:
    random = np.random.default_rng(4)
    customers = 4000
    age = random.uniform(150, 365, customers)
    rate, dropout = random.gamma(2.0, 1 / 20.0, customers), random.beta(1.0, 9.0, customers)
    frequency, last, alive = np.zeros(customers), np.zeros(customers), np.ones(customers, dtype=bool)
    for customer in range(customers):
        moment = 0.0
        while alive[customer]:
            moment += random.exponential(1 / rate[customer])
            if moment > age[customer]:
                break
            frequency[customer] += 1
            last[customer] = moment
            alive[customer] = random.random() > dropout[customer]
    fitted = fit_bg_nbd(frequency, last, age)
    assert fitted.shape == pytest.approx(2.0, rel=0.15)
    assert fitted.rate == pytest.approx(20.0, rel=0.15)
    stated = fitted.alive(frequency, last, age)
    repeated = frequency > 0
    assert stated[repeated].mean() == pytest.approx(alive[repeated].mean(), abs=0.02)
    assert stated[alive].mean() > stated[~alive].mean() + 0.3


def test_bg_nbd_stays_finite_for_very_active_customers() -> None:
    frequency = np.array([364.0, 0.0, 300.0, 1.0])
    last, age = np.array([364.0, 0.0, 100.0, 1.0]), np.array([365.0, 365.0, 365.0, 365.0])
    alive = fit_bg_nbd(frequency, last, age).alive(frequency, last, age)
    assert np.isfinite(alive).all()
    assert alive[2] < alive[0]


def test_bg_nbd_reads_activity_from_features() -> None:
    world = churn_world(300, 2, 3)
    frequency, last, age = activity(world.features)
    assert (last <= age).all()
    assert (frequency >= 0).all()
    gone, asked = bg_nbd_scores(world.features, world.features.take(np.arange(5)), 7)
    assert np.array_equal(gone[:5], asked)
    assert ((gone >= 0) & (gone <= 1)).all()


def test_a_regression_per_offer_tells_customers_apart_and_a_rare_offer_gets_its_rate() -> None:
    world = offer_world(2000, 6000, 6, count=4)
    y, offer = world.responses.accepted.astype(float), world.responses.offer.copy()
    offer[:20] = "rare"
    train, test = world.features.take(np.arange(5000)), world.features.take(np.arange(5000, 6000))
    asked = offer[5000:].copy()
    asked[0] = "rare"
    scores = per_offer_logistic(train, offer[:5000], y[:5000], test, asked, names=world.names)
    assert scores[0] == pytest.approx(offer_rates(offer[:5000], y[:5000], asked[:1])[0])
    assert np.corrcoef(scores[1:], world.truth[5001:])[0, 1] > 0.5
