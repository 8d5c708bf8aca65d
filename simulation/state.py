"""Customers' current state, which the processes of the simulation change day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.market import CHANNELS, PRODUCTS, BoolArray, FloatArray, IntArray
from simulation.population import Population

NEVER = -10_000
"""A day long before the first, for what has not happened."""
NOBODY = -1
NOT_LEFT = np.iinfo(np.int64).max


@dataclass(slots=True, kw_only=True)
class CustomerState:
    """Arrays that change over time, with one row for each of n customers; days are days of the simulation.

    Attributes:
        here: Has joined and has not left.
        fade: Share of the usual activity: 1 at full activity, falling while the customer is leaving, 0 if quiet.
        fade_rate: Daily factor on `fade` while the customer is leaving, otherwise 1.
        lull_until: Day until which the customer is temporarily away (a journey, an illness).
        left_at: Microseconds UTC; `NOT_LEFT` before.
        satisfaction: Latent; 0 on average.
        fatigue: Recent contacts, weighted and fading.
        waiver_until: Day until which waived fees keep the customer.
        salary: Whether the salary still comes here.
        holdings, applying: Shape (n, products); number held, and whether there is an open application.
        recent_views: Shape (n, products), fading count of views, as in the bank's own scoring.
        last_contact: Shape (n, channels), last day an offer was presented there.
        joined_on: Day the customer joined, 0 for existing customers; `NEVER` before they join.
        last_refusal, recent_refusals: Last day a payment was refused, and the fading count of refusals.
        deferred_until: Day until which instalments are deferred.
        budgeting_until: Day until which the customer keeps a budget.
        loyal_until: Day until which a loyalty reward keeps the customer.
        last_referral, last_advice: Last day the customer recommended the bank, or talked with an adviser.
        referred_by: Customer who brought this one; `NOBODY` for most.
        left_application, left_product: Last day an application timed out, and its product.
    """

    here: BoolArray
    fade: FloatArray
    fade_rate: FloatArray
    quiet_since: IntArray
    lull_until: IntArray
    left_at: IntArray
    satisfaction: FloatArray
    fatigue: FloatArray
    waiver_until: IntArray
    salary: BoolArray
    open_complaints: IntArray
    last_complaint: IntArray
    last_activity: IntArray
    holdings: IntArray
    applying: BoolArray
    recent_views: FloatArray
    last_contact: IntArray
    joined_on: IntArray
    last_refusal: IntArray
    recent_refusals: FloatArray
    deferred_until: IntArray
    budgeting_until: IntArray
    loyal_until: IntArray
    last_referral: IntArray
    last_advice: IntArray
    referred_by: IntArray
    left_application: IntArray
    left_product: IntArray

    @classmethod
    def before(cls, population: Population) -> CustomerState:
        """Return the state before the first day: nobody has joined yet."""
        n, products = len(population), len(PRODUCTS)

        def never() -> IntArray:
            return np.full(n, NEVER, np.int64)

        return cls(
            here=np.zeros(n, np.bool_),
            fade=np.ones(n),
            fade_rate=np.ones(n),
            quiet_since=never(),
            lull_until=never(),
            left_at=np.full(n, NOT_LEFT, np.int64),
            satisfaction=population.content.copy(),
            fatigue=np.zeros(n),
            waiver_until=never(),
            salary=population.main_bank.copy(),
            open_complaints=np.zeros(n, np.int64),
            last_complaint=never(),
            last_activity=never(),
            holdings=np.zeros((n, products), np.int64),
            applying=np.zeros((n, products), np.bool_),
            recent_views=np.zeros((n, products)),
            last_contact=np.full((n, len(CHANNELS)), NEVER, np.int64),
            joined_on=never(),
            last_refusal=never(),
            recent_refusals=np.zeros(n),
            deferred_until=never(),
            budgeting_until=never(),
            loyal_until=never(),
            last_referral=never(),
            last_advice=never(),
            referred_by=np.full(n, NOBODY, np.int64),
            left_application=never(),
            left_product=np.zeros(n, np.int64),
        )

    @property
    def leaving(self) -> BoolArray:
        """Customers whose activity is fading."""
        leaving: BoolArray = self.fade_rate < 1
        return leaving

    @property
    def quiet(self) -> BoolArray:
        """Customers who no longer do anything."""
        quiet: BoolArray = self.fade == 0
        return quiet

    def intensity(self, day: int) -> FloatArray:
        """Return today's share of the usual activity; 0 for absent customers."""
        away = np.where(self.lull_until > day, 0.12, 1.0)
        return np.asarray(self.here * self.fade * away, dtype=np.float64)
