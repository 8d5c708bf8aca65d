"""Customers' attachment to the bank: how they drift away, become inactive, close everything or come back."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.agenda import Agenda
from simulation.clock import SimulatedClock, times_office
from simulation.journal import SimulatedJournal
from simulation.market import FloatArray, IntArray
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import NEVER, CustomerState

LEAVING_HAZARD = 0.0015
"""Daily hazard of an average customer with average satisfaction to start leaving."""
WAIVER_EFFECT = 0.5
"""Factor on the hazard to start leaving while fees are waived: the true effect of the retention offer."""
WAIVER_DAYS = 180
LOYALTY_EFFECT = 0.65
"""Factor on the hazard to start leaving while a loyalty reward is in force: its true effect."""
QUIET_BELOW = 0.03
RETURN_HAZARD = 0.0045
"""Daily hazard of a customer who has just become quiet to come back without an offer."""
CLOSING_SHARE = 0.3
"""Share of customers becoming quiet who close everything soon afterwards."""
EVERYBODY: Final = slice(None)


class Attachment:
    """Moves customers between full activity, fading, silence and departure."""

    def __init__(
        self, population: Population, clock: SimulatedClock, journal: SimulatedJournal, agenda: Agenda, seed: int
    ) -> None:
        self._population = population
        self._clock = clock
        self._journal = journal
        self._agenda = agenda
        self._rng = stream(seed, "attachment")

    def leaving_hazard(self, day: int, state: CustomerState, of: IntArray | slice = EVERYBODY) -> FloatArray:
        """Return customers' daily hazard to start leaving; 0 for those who already have, and for absent customers."""
        people, joined_on = self._population, state.joined_on[of]
        tenure = day - joined_on
        log_factor = (
            people.frailty[of]
            - 0.6 * state.satisfaction[of]
            - 0.3 * (state.holdings[of].sum(axis=1) - 2)
            + 0.45 * (tenure < 200) * (joined_on > 0)
            - 0.35 * people.main_bank[of]
            + 0.2 * people.price_sensitivity[of]
            - 0.25 * people.age_scaled[of]
            + 0.3 * (state.open_complaints[of] > 0)
        )
        waived = np.where(state.waiver_until[of] > day, WAIVER_EFFECT, 1.0)
        bound = np.where(state.loyal_until[of] > day, LOYALTY_EFFECT, 1.0)
        engaged = (state.here & ~state.leaving & ~state.quiet)[of]
        return np.asarray(engaged * waived * bound * LEAVING_HAZARD * np.exp(log_factor), dtype=np.float64)

    def return_hazard(self, day: int, state: CustomerState, of: IntArray | slice = EVERYBODY) -> FloatArray:
        """Return the daily hazard of quiet customers to come back without an offer; it falls with time."""
        silence = np.maximum(day - state.quiet_since[of], 0)
        hazard = RETURN_HAZARD * np.exp(0.3 * state.satisfaction[of] - silence / 220)
        return np.asarray((state.here & state.quiet)[of] * hazard, dtype=np.float64)

    def day(self, day: int, state: CustomerState) -> None:
        """Simulate one day."""
        rng, n = self._rng, len(state.here)
        draw = rng.random(n)
        begins = np.flatnonzero(draw < self.leaving_hazard(day, state))
        half_life = np.exp(rng.normal(np.log(16), 0.6, len(begins)))
        half_life[rng.random(len(begins)) < 0.22] = 1.5  # some leave from one day to the next
        stays = state.leaving & (rng.random(n) < 0.0035 * np.exp(0.5 * state.satisfaction))
        self._engage(np.flatnonzero(stays), state)
        state.fade_rate[begins] = 0.5 ** (1 / half_life)
        state.fade *= state.fade_rate
        self._move_salaries(day, begins)
        falls_quiet = np.flatnonzero(state.here & state.leaving & (state.fade < QUIET_BELOW))
        self._fall_quiet(day, falls_quiet, state)
        returns = np.flatnonzero(rng.random(n) < self.return_hazard(day, state))
        self._engage(returns, state)
        away = np.flatnonzero(state.here & (state.lull_until <= day) & (rng.random(n) < 0.0011))
        state.lull_until[away] = day + rng.integers(14, 55, len(away))
        lost_salary, *_ = self._agenda.take("salary", day)
        state.salary[lost_salary] = False
        self._departures(day, state)

    def _move_salaries(self, day: int, customers: IntArray) -> None:
        """Schedule most of those who start leaving to move their salary elsewhere after a while."""
        moving = customers[self._rng.random(len(customers)) < 0.6]
        later = np.minimum(day + self._rng.integers(10, 60, len(moving)), self._clock.days)
        self._agenda.put("salary", moving, self._clock.midnights[later])

    def _fall_quiet(self, day: int, customers: IntArray, state: CustomerState) -> None:
        state.fade[customers], state.fade_rate[customers] = 0.0, 1.0
        state.quiet_since[customers] = day
        closing = customers[self._rng.random(len(customers)) < CLOSING_SHARE]
        days = np.minimum(day + self._rng.integers(1, 60, len(closing)), self._clock.days - 1)
        offset = times_office(self._rng, len(closing)).astype(np.int64) * 1_000_000
        self._agenda.put("leave", closing, self._clock.midnights[days] + offset)

    def returns(self, day: int, state: CustomerState) -> None:
        """Bring back those whom an offer won back today; called at the end of the day."""
        customers, *_ = self._agenda.take("return", day)
        self._engage(customers[state.here[customers]], state)

    def _engage(self, customers: IntArray, state: CustomerState) -> None:
        """Restore full activity; the salary returns only for some."""
        state.fade[customers], state.fade_rate[customers] = 1.0, 1.0
        state.quiet_since[customers] = NEVER
        state.satisfaction[customers] = np.maximum(state.satisfaction[customers], self._population.content[customers])
        again = customers[self._rng.random(len(customers)) < 0.5]
        state.salary[again] |= self._population.main_bank[again]

    def _departures(self, day: int, state: CustomerState) -> None:
        """Close everything for customers who leave for good, unless they have come back in the meantime."""
        customers, at, *_ = self._agenda.take("leave", day)
        leaves = state.here[customers] & state.quiet[customers]
        customers, at = customers[leaves], at[leaves]
        customer, product = np.nonzero(state.holdings[customers] > 0)
        for _ in range(2):  # a product held twice is closed twice
            open_still = state.holdings[customers[customer], product] > 0
            who, what = customers[customer[open_still]], product[open_still]
            self._journal.book("CLOSE", who, at[customer[open_still]] - 60_000_000, product=what)
            state.holdings[who, what] -= 1
        self._journal.book("LEFT", customers, at)
        state.left_at[customers] = at
        state.here[customers] = False
