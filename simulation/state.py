"""How every customer stands today; the processes of the world change it day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.market import CHANNELS, PRODUCTS, BoolArray, FloatArray, IntArray
from simulation.population import Population

NEVER = -10_000
"""A day long before the first, for things that have not happened."""
NOT_LEFT = np.iinfo(np.int64).max


@dataclass(slots=True, kw_only=True)
class State:
    """Changing arrays with a row for each of n customers; days are days of the simulation.

    Attributes:
        here: Has joined and has not left.
        fade: Share of the usual activity: 1 at full strength, falling in those who are leaving, 0 in the quiet.
        fade_rate: Daily factor on `fade` of those who are leaving, 1 of all others.
        lull_until: Day until which the customer is away for a while (a journey, an illness) and will be back.
        left_at: Microseconds UTC; `NOT_LEFT` before.
        satisfaction: Latent; 0 on average.
        fatigue: Recent contacts, weighted and fading.
        waiver_until: Day until which waived fees bind the customer.
        salary: Whether the salary still comes here.
        holdings, applying: Shape (n, products); how many are held, and open applications.
        recent_views: Shape (n, products), fading count of views, as the bank's own scoring has it.
        last_contact: Shape (n, channels), last day an offer was put there.
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

    @classmethod
    def before(cls, population: Population) -> State:
        """Stand before the first day: nobody is here yet."""
        n, products = len(population), len(PRODUCTS)
        return cls(
            here=np.zeros(n, np.bool_),
            fade=np.ones(n),
            fade_rate=np.ones(n),
            quiet_since=np.full(n, NEVER, np.int64),
            lull_until=np.full(n, NEVER, np.int64),
            left_at=np.full(n, NOT_LEFT, np.int64),
            satisfaction=population.content.copy(),
            fatigue=np.zeros(n),
            waiver_until=np.full(n, NEVER, np.int64),
            salary=population.main_bank.copy(),
            open_complaints=np.zeros(n, np.int64),
            last_complaint=np.full(n, NEVER, np.int64),
            last_activity=np.full(n, NEVER, np.int64),
            holdings=np.zeros((n, products), np.int64),
            applying=np.zeros((n, products), np.bool_),
            recent_views=np.zeros((n, products)),
            last_contact=np.full((n, len(CHANNELS)), NEVER, np.int64),
        )

    @property
    def leaving(self) -> BoolArray:
        """Whose activity is fading."""
        leaving: BoolArray = self.fade_rate < 1
        return leaving

    @property
    def quiet(self) -> BoolArray:
        """Who has stopped doing anything."""
        quiet: BoolArray = self.fade == 0
        return quiet

    def intensity(self, day: int) -> FloatArray:
        """Give today's share of the usual activity, 0 of those who are not here."""
        away = np.where(self.lull_until > day, 0.12, 1.0)
        return np.asarray(self.here * self.fade * away, dtype=np.float64)
