"""True response: the probability that each customer accepts each offer in each channel right now."""

from __future__ import annotations

from typing import Final
from zlib import crc32

import numpy as np

from domain.offer import Offer
from simulation.attributes import Attributes
from simulation.catalogue import OfferArrays
from simulation.kinds import KIND, KINDS, NO_KIND, kind_of
from simulation.market import CHANNEL_EASE, PRODUCT_NAMES, PRODUCTS, REPEATABLE, FloatArray, IntArray
from simulation.needs import Needs
from simulation.odds import logistic
from simulation.population import Population
from simulation.reasons import reasons
from simulation.state import CustomerState

STRAIN_WEIGHT: Final = 0.5
"""Log-odds for each recently refused payment, up to three."""
TIES_WEIGHT: Final = 0.9
"""Log-odds of recommending the bank per unit of satisfaction, on top of its effect on every offer."""
PLANS_WEIGHT: Final = 0.7
DUTY_EASE: Final = 0.3
"""Log-odds per unit of ease with digital channels: documents are photographed, terms accepted on a screen."""


def wants(customers: IntArray, state: CustomerState, needs: Needs, population: Population) -> FloatArray:
    """Return each customer's addition to the log-odds of each kind, shape (k, kinds); roughly 0 on average."""
    added = np.zeros((len(customers), len(KINDS)))
    satisfaction, level = state.satisfaction[customers], needs.level[customers]
    strain = STRAIN_WEIGHT * np.minimum(state.recent_refusals[customers], 3.0)
    added[:, KIND["deferral"]] = strain - 0.3 * population.income_scaled[customers]
    added[:, KIND["budget_tool"]] = strain + 0.3 * population.price_sensitivity[customers]
    added[:, KIND["loyalty"]] = 0.3 * satisfaction + 0.2 * population.age_scaled[customers]
    added[:, KIND["referral"]] = TIES_WEIGHT * satisfaction
    unmet = np.where(state.holdings[customers] > 0, -np.inf, level).max(axis=1)
    plans = np.where(np.isfinite(unmet), unmet, 0.0)
    added[:, KIND["adviser"]] = PLANS_WEIGHT * (plans - 1.0)  # the greatest of several needs is about 1
    left = np.maximum(state.left_product[customers], 0)
    added[:, KIND["resume"]] = level[np.arange(len(customers)), left]
    duty = DUTY_EASE * population.digital[customers]
    added[:, KIND["documents"]] = added[:, KIND["terms"]] = duty
    return added


NEED_WEIGHT = 1.0
BONUS_WEIGHT = 0.3
"""Log-odds of an average customer per 15 euro of bonus; price-sensitive ones weigh it up to three times as much."""
TASTE_SPREAD = 0.25
AFFINITY_WEIGHT = 0.7
FATIGUE_WEIGHT = 0.22
HELD_PENALTY = 2.2
OPEN_COMPLAINT_PENALTY = 0.9
FADED_PENALTY = 1.6
"""Log-odds lost between full activity and none."""
NO_REASON_PENALTY = 2.5
"""Log-odds that care loses with a customer who has no reason for it."""


class Response:
    """True acceptance probabilities of all candidates, as pure functions of traits, needs and state.

    The log-odds are the sum of: ease of the product or kind of care, and of the channel; need or want; price
    sensitivity times rate and bonus; taste; channel affinity; satisfaction. They are reduced by fatigue, products
    already held, care without a reason, open complaints and fading interest.
    """

    def __init__(self, catalogue: OfferArrays, population: Population, attributes: Attributes) -> None:
        self._catalogue = catalogue
        self._population = population
        self._attributes = attributes
        offers = catalogue.offers
        self._cares = catalogue.kind != NO_KIND
        self._ease = np.array([_ease(offer) for offer in offers])
        self._rate = np.array([_rate_appeal(offer) for offer in offers])
        self._bonus = np.array([offer.attributes.get("bonus", 0.0) / 15 * BONUS_WEIGHT for offer in offers])
        self._taste = np.array([_taste(offer) for offer in offers])

    def probabilities(self, customers: IntArray, day: int, state: CustomerState, needs: Needs) -> FloatArray:
        """Return the acceptance probability of every candidate, shape (k, candidates)."""
        people = self._population
        catalogue = self._catalogue
        log_odds = self._offers(customers, day, state, needs)[:, catalogue.candidate_offer]
        liking = AFFINITY_WEIGHT * np.clip(np.log(people.affinity[customers] + 0.03) - np.log(0.17), -1.7, 1.7)
        log_odds += (CHANNEL_EASE + liking)[:, catalogue.candidate_channel]
        general = (
            0.3 * state.satisfaction[customers]
            - FATIGUE_WEIGHT * people.annoyance[customers] * state.fatigue[customers]
        )
        log_odds += general[:, None]
        return np.clip(logistic(log_odds), 0.0005, 0.65)

    def _offers(self, customers: IntArray, day: int, state: CustomerState, needs: Needs) -> FloatArray:
        people, sells, kind = self._population, self._catalogue.sells, self._catalogue.kind[self._cares]
        product = np.maximum(self._catalogue.product, 0)
        price = np.exp(0.5 * people.price_sensitivity[customers])[:, None]
        log_odds = self._ease + price * (self._rate + self._bonus)
        log_odds = log_odds + np.einsum("kt,ot->ko", people.taste[customers], self._taste)
        log_odds += np.where(sells, NEED_WEIGHT * needs.level[customers][:, product], 0.0)
        held = (state.holdings[customers][:, product] > 0) * np.where(REPEATABLE[product], 0.35, 1.0)
        log_odds -= np.where(sells, HELD_PENALTY * held, 0.0)
        unasked = ~reasons(customers, day, state, self._attributes)
        care = wants(customers, state, needs, people) - NO_REASON_PENALTY * unasked
        log_odds[:, self._cares] += care[:, kind]
        complains = (state.open_complaints[customers] > 0)[:, None]
        log_odds -= np.where(self._catalogue.service, 0.0, OPEN_COMPLAINT_PENALTY) * complains
        faded = (1 - state.fade[customers])[:, None]
        log_odds -= np.where(self._catalogue.retention, 0.4, FADED_PENALTY) * faded
        return np.asarray(log_odds, dtype=np.float64)


def _ease(offer: Offer) -> float:
    """Return the log-odds of the kind of care, or of the product if it is not care."""
    kind = kind_of(offer)
    if kind != NO_KIND or offer.product is None:
        return KINDS[kind].ease
    return PRODUCTS[PRODUCT_NAMES.index(offer.product)].ease


def _rate_appeal(offer: Offer) -> float:
    """Return the log-odds of an offer's rate relative to the market's; 0 if it has none."""
    if offer.product is None or "rate_percent" not in offer.attributes:
        return 0.0
    product = PRODUCTS[PRODUCT_NAMES.index(offer.product)]
    return product.rate_weight * (offer.attributes["rate_percent"] - product.market_rate)


def _taste(offer: Offer) -> FloatArray:
    """Draw an offer's appeal to age, income, digital people, price and two latent tastes, from its name alone."""
    rng = np.random.Generator(np.random.PCG64(crc32(offer.name.encode())))
    return TASTE_SPREAD * rng.standard_normal(6)
