"""The truth about offers: with which probability each customer accepts each offer in each channel right now."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from domain.offer import Offer, candidates_of
from simulation.market import (
    CHANNEL_EASE,
    CHANNELS,
    PRODUCT_NAMES,
    PRODUCTS,
    REPEATABLE,
    SERVICE_EASE,
    FloatArray,
    IntArray,
)
from simulation.needs import Needs
from simulation.odds import logistic
from simulation.population import Population
from simulation.state import State

NEED_WEIGHT = 1.0
BONUS_WEIGHT = 0.3
"""Log-odds of an average customer per 15 euro of bonus; price-sensitive ones feel up to three times that."""
TASTE_SPREAD = 0.25
AFFINITY_WEIGHT = 0.7
FATIGUE_WEIGHT = 0.22
HELD_PENALTY = 2.2
OPEN_COMPLAINT_PENALTY = 0.9
FADED_PENALTY = 1.6
"""Log-odds that a customer loses on the way from full activity to none."""
RECENT_COMPLAINT_DAYS = 30


class Response:
    """True acceptance probabilities of all candidates; pure functions of traits, needs and state.

    The log-odds are ease of the product and channel, need, price sensitivity times rate and bonus, taste, channel
    affinity, satisfaction, less fatigue, what is held already, open complaints and fading interest.
    """

    def __init__(self, offers: tuple[Offer, ...], population: Population) -> None:
        self._population = population
        candidates = candidates_of(offers)
        position = {offer.name: index for index, offer in enumerate(offers)}
        self.candidate_offer: IntArray = np.array([position[offer.name] for offer, _ in candidates], dtype=np.int64)
        self.candidate_channel: IntArray = np.array(
            [CHANNELS.index(treatment.channel) for _, treatment in candidates], dtype=np.int64
        )
        self.product: IntArray = np.array(
            [-1 if offer.product is None else PRODUCT_NAMES.index(offer.product) for offer in offers], dtype=np.int64
        )
        self.retention = np.array(["retention" in offer.tags for offer in offers])
        self._ease = np.array([_ease(offer) for offer in offers])
        self._rate = np.array([_rate_appeal(offer) for offer in offers])
        self._bonus = np.array([offer.attributes.get("bonus", 0.0) / 15 * BONUS_WEIGHT for offer in offers])
        self._taste = np.array([_taste(offer) for offer in offers])

    def probabilities(self, customers: IntArray, day: int, state: State, needs: Needs) -> FloatArray:
        """Give the acceptance probability of every candidate, shape (k, candidates)."""
        people = self._population
        log_odds = self._offers(customers, day, state, needs)[:, self.candidate_offer]
        liking = AFFINITY_WEIGHT * np.clip(np.log(people.affinity[customers] + 0.03) - np.log(0.17), -1.7, 1.7)
        log_odds += (CHANNEL_EASE + liking)[:, self.candidate_channel]
        general = (
            0.3 * state.satisfaction[customers]
            - FATIGUE_WEIGHT * people.annoyance[customers] * state.fatigue[customers]
        )
        log_odds += general[:, None]
        return np.clip(logistic(log_odds), 0.0005, 0.65)

    def _offers(self, customers: IntArray, day: int, state: State, needs: Needs) -> FloatArray:
        people = self._population
        product = np.maximum(self.product, 0)
        sells = (self.product >= 0) & ~self.retention
        price = np.exp(0.5 * people.price_sensitivity[customers])[:, None]
        log_odds = self._ease + price * (self._rate + self._bonus)
        log_odds = log_odds + np.einsum("kt,ot->ko", people.taste[customers], self._taste)
        log_odds += np.where(sells, NEED_WEIGHT * needs.level[customers][:, product], 0.0)
        held = (state.holdings[customers][:, product] > 0) * np.where(REPEATABLE[product], 0.35, 1.0)
        log_odds -= np.where(sells, HELD_PENALTY * held, 0.0)
        complains = (state.open_complaints[customers] > 0)[:, None]
        fresh = (day - state.last_complaint[customers] <= RECENT_COMPLAINT_DAYS)[:, None]
        log_odds -= np.where(self.product >= 0, OPEN_COMPLAINT_PENALTY * complains, 2.5 * ~fresh)
        faded = (1 - state.fade[customers])[:, None]
        log_odds -= np.where(self.retention, 0.4, FADED_PENALTY) * faded
        return np.asarray(log_odds, dtype=np.float64)


def _ease(offer: Offer) -> float:
    return SERVICE_EASE if offer.product is None else PRODUCTS[PRODUCT_NAMES.index(offer.product)].ease


def _rate_appeal(offer: Offer) -> float:
    """Log-odds of an offer's rate against the market's; 0 where it names none."""
    if offer.product is None or "rate_percent" not in offer.attributes:
        return 0.0
    product = PRODUCTS[PRODUCT_NAMES.index(offer.product)]
    return product.rate_weight * (offer.attributes["rate_percent"] - product.market_rate)


def _taste(offer: Offer) -> FloatArray:
    """Draw how an offer appeals to age, income, digital people, price and two latent tastes, from its name alone."""
    rng = np.random.Generator(np.random.PCG64(crc32(offer.name.encode())))
    return TASTE_SPREAD * rng.standard_normal(6)
