"""The bank's past choice of offers: rules of thumb, campaigns, and known randomness."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from domain.journey import Stage
from simulation.attributes import AFFLUENT, Attributes
from simulation.catalogue import OfferArrays
from simulation.kinds import KINDS, NO_KIND
from simulation.market import (
    CREDIT_CARD,
    CURRENT_ACCOUNT,
    INSURANCE,
    INVESTMENT,
    MORTGAGE,
    PERSONAL_LOAN,
    PRODUCTS,
    REPEATABLE,
    SAVINGS,
    BoolArray,
    FloatArray,
    IntArray,
)
from simulation.population import Population
from simulation.reasons import reasons
from simulation.state import CustomerState

UNIFORM_SHARE = 0.3
"""Share of choices that the past policy made uniformly at random."""
DORMANT_AFTER_DAYS = 45
LOST_AFTER_DAYS = 150
ACQUISITION_DAYS = 90
CAMPAIGNS = (SAVINGS, INSURANCE, CREDIT_CARD, INVESTMENT, PERSONAL_LOAN, MORTGAGE)
"""Products that are advertised, one a month."""


class Marketing:
    """The past behaviour policy; it sees what the bank sees, never needs or satisfaction."""

    def __init__(self, catalogue: OfferArrays, population: Population, attributes: Attributes, start: date) -> None:
        offers = self._offers = catalogue.offers
        self._catalogue = catalogue
        self._cares = catalogue.kind != NO_KIND
        self._pull = np.array([kind.pull for kind in KINDS])[catalogue.kind]
        self._population = population
        self._attributes = attributes
        self._start = start
        established = {Stage.GROWTH, Stage.MATURE}
        self._serves = np.array(
            [
                (
                    Stage.LOST in offer.stages,
                    Stage.DORMANT in offer.stages,
                    Stage.ACQUISITION in offer.stages,
                    bool(established & set(offer.stages)),
                )
                for offer in offers
            ]
        )
        self._channels = [{treatment.channel for treatment in offer.treatments} for offer in offers]

    def offered_in(self, channel: str) -> BoolArray:
        """Tell which offers may appear in a channel, shape (offers,)."""
        return np.array([channel in channels for channels in self._channels])

    def allowed(self, customers: IntArray, day: int, state: CustomerState) -> BoolArray:
        """Tell which offers the past policy allows, shape (k, offers), by stage, dates, holdings, hardship, reason."""
        today = self._start + timedelta(days=day)
        valid = np.array(
            [
                (offer.valid_from is None or offer.valid_from <= today)
                and (offer.valid_until is None or today <= offer.valid_until)
                for offer in self._offers
            ]
        )
        silence = day - state.last_activity[customers]
        fresh = day - state.joined_on[customers] <= ACQUISITION_DAYS
        fresh &= state.joined_on[customers] > 0
        active = np.where(fresh, 2, 3)
        stage = np.where(silence > LOST_AFTER_DAYS, 0, np.where(silence > DORMANT_AFTER_DAYS, 1, active))
        product = np.maximum(self._catalogue.product, 0)
        held = state.holdings[customers][:, product]
        taken = np.where(REPEATABLE[product], held > 1, held > 0) | state.applying[customers][:, product]
        lends = self._catalogue.sells & np.isin(product, (PERSONAL_LOAN, MORTGAGE, CREDIT_CARD))
        strained = self._attributes.hardship[customers][:, None] & lends
        bound = (state.waiver_until[customers] > day)[:, None] & self._catalogue.retention
        may = self._serves.T[stage] & valid & ~(self._catalogue.sells & taken) & ~strained & ~bound
        reasonable = reasons(customers, day, state, self._attributes)[:, self._catalogue.kind]
        return np.asarray(may & (reasonable | ~self._cares), dtype=np.bool_)

    def choice(self, customers: IntArray, allowed: BoolArray, day: int, state: CustomerState) -> FloatArray:
        """Return the probability of choosing each allowed offer, shape (k, offers); all 0 for rows without any."""
        weights = np.where(allowed, self._weights(customers, day, state), 0.0)
        uniform = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
        by_rule = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        personalised = self._attributes.consent_personalised[customers][:, None]
        share = np.where(personalised, UNIFORM_SHARE, 1.0)
        return np.asarray(share * uniform + (1 - share) * by_rule, dtype=np.float64)

    def _weights(self, customers: IntArray, day: int, state: CustomerState) -> FloatArray:
        """Score offers by rules of thumb on segment, age, income and recent views."""
        on_file = self._attributes
        age = self._population.age[customers] + day / 365.25
        income = on_file.income_band[customers]
        rules = np.ones((len(customers), len(PRODUCTS)))
        rules[:, SAVINGS] = np.where(income > 0, 1.6, 0.9)
        rules[:, CREDIT_CARD] = np.where(age < 50, 1.4, 0.6)
        rules[:, PERSONAL_LOAN] = np.where((age > 25) & (age < 55) & (income < 2), 1.3, 0.4)
        rules[:, MORTGAGE] = np.where((age > 27) & (age < 48) & (income > 0), 1.3, 0.12)
        affluent = on_file.segment[customers] == AFFLUENT
        rules[:, INVESTMENT] = np.where(affluent | (on_file.risk_tolerance[customers] > 0), 1.3, 0.3)
        rules[:, INSURANCE] = np.where(age > 35, 1.2, 0.7)
        rules[:, CURRENT_ACCOUNT] = 1.5
        rules *= 1 + 0.7 * np.minimum(state.recent_views[customers], 3)
        rules[:, CAMPAIGNS[(day // 30) % len(CAMPAIGNS)]] *= 1.8
        weights = rules[:, np.maximum(self._catalogue.product, 0)]
        return np.asarray(np.where(self._cares, self._pull, weights), dtype=np.float64)
