"""Effects of accepted care offers."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.agenda import Agenda, Duties
from simulation.clock import SimulatedClock
from simulation.market import IntArray
from simulation.needs import Needs
from simulation.population import SETTLING_DAYS, Population
from simulation.randomness import stream
from simulation.state import NEVER, CustomerState

FOLLOW_UP_RELIEF: Final = 0.25
"""Satisfaction gained when the bank follows up on a complaint."""
CHECK_IN_RELIEF: Final = 0.1
"""Satisfaction gained when the bank asks a customer who has gone quiet."""
DEFERRAL_DAYS: Final = 90
DEFERRAL_RELIEF: Final = 0.2
BUDGETING_DAYS: Final = 365
LOYALTY_DAYS: Final = 180
REFERRAL_CHANCE: Final = 0.4
"""Chance that a customer who agrees to recommend the bank brings somebody."""
REFERRAL_DAYS: Final = (2, 40)
"""Range of days after which the friend joins, upper end excluded."""
ADVICE_BOOST: Final = 0.8
"""What advice adds to the greatest need that no product meets yet; it fades like the effect of a life event."""
RESUMED_SECONDS: Final = (60, 1800)
DAY: Final = 86_400 * 1_000_000


class Care:
    """Applies the effect of each kind of care on the day of its acceptance."""

    def __init__(
        self, population: Population, clock: SimulatedClock, agenda: Agenda, duties: Duties, seed: int
    ) -> None:
        self._clock = clock
        self._agenda = agenda
        self._duties = duties
        self._rng = stream(seed, "care")
        self._prospects: IntArray = population.prospects
        self._brought = 0

    def day(self, day: int, state: CustomerState, needs: Needs) -> None:
        """Apply the effects of the day's acceptances; each kind of `kinds.KINDS` has one line."""
        np.add.at(state.satisfaction, self._accepted("follow_up", day, state)[0], FOLLOW_UP_RELIEF)
        np.add.at(state.satisfaction, self._accepted("check_in", day, state)[0], CHECK_IN_RELIEF)
        deferred, *_ = self._accepted("deferral", day, state)
        state.deferred_until[deferred] = day + DEFERRAL_DAYS
        np.add.at(state.satisfaction, deferred, DEFERRAL_RELIEF)
        state.budgeting_until[self._accepted("budget_tool", day, state)[0]] = day + BUDGETING_DAYS
        state.loyal_until[self._accepted("loyalty", day, state)[0]] = day + LOYALTY_DAYS
        self._recommend(day, *self._accepted("referral", day, state)[:2], state)
        self._advise(day, self._accepted("adviser", day, state)[0], state, needs)
        self._resume(*self._accepted("resume", day, state), state)
        self._duties.renew(self._accepted("documents", day, state)[0], day)
        self._duties.acknowledge(self._accepted("terms", day, state)[0])

    def _accepted(self, kind: str, day: int, state: CustomerState) -> tuple[IntArray, IntArray, IntArray]:
        """Return customers, moments and channels of today's acceptances of a kind, without customers who have left."""
        customers, at, channel, *_ = self._agenda.take(kind, day)
        here = state.here[customers]
        return customers[here], at[here], channel[here]

    def _recommend(self, day: int, customers: IntArray, at: IntArray, state: CustomerState) -> None:
        """Let some customers bring people who would not have come otherwise; the number of prospects is limited."""
        state.last_referral[customers] = day
        lucky = self._rng.random(len(customers)) < REFERRAL_CHANCE
        joins = at + self._rng.integers(*REFERRAL_DAYS, len(customers)) * DAY
        lucky &= self._clock.day_of(joins) < self._clock.days - SETTLING_DAYS
        left = len(self._prospects) - self._brought
        by, joins = customers[lucky][:left], joins[lucky][:left]
        friends = self._prospects[self._brought : self._brought + len(by)]
        self._brought += len(by)
        state.referred_by[friends] = by
        self._agenda.put("join", friends, joins)

    def _advise(self, day: int, customers: IntArray, state: CustomerState, needs: Needs) -> None:
        """Raise awareness of the greatest need that no product meets; no effect on customers who have everything."""
        state.last_advice[customers] = day
        unmet = np.where(state.holdings[customers] > 0, -np.inf, needs.level[customers])
        lacks = np.isfinite(unmet).any(axis=1)
        needs.awaken(customers[lacks], unmet[lacks].argmax(axis=1), ADVICE_BOOST)

    def _resume(self, customers: IntArray, at: IntArray, channel: IntArray, state: CustomerState) -> None:
        """Resume, once, the application that the customer abandoned last."""
        left = state.left_application[customers] != NEVER
        customers, at, channel = customers[left], at[left], channel[left]
        pause = self._rng.integers(*RESUMED_SECONDS, len(customers)) * 1_000_000
        self._agenda.put("apply", customers, at + pause, state.left_product[customers], channel, 1)
        state.left_application[customers] = NEVER
