"""Customers' experience with the bank: failures, fees, complaints and their resolution, and surveys."""

from __future__ import annotations

import numpy as np

from simulation.agenda import Agenda
from simulation.behaviour import Sessions
from simulation.clock import SimulatedClock, times_office
from simulation.journal import SimulatedJournal
from simulation.market import APP, CALL, WEB, BoolArray, IntArray
from simulation.odds import logistic
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import CustomerState

SECOND = 1_000_000
DAY = 86_400 * SECOND
RECOVERY = 0.9
"""Satisfaction gained by a well-resolved complaint: more than opening it cost (the service recovery effect)."""
DISAPPOINTMENT = 0.55
WELL_RESOLVED_SHARE = 0.65
BUDGETING_EFFECT = 0.9
"""Reduction of the log-odds of a refused payment for customers who keep a budget."""
FEE_SHARE = 0.2
"""Share of customers without a waiver who pay a fee every 30 days."""


class Experience:
    """Draws each day's good and bad experiences, and changes latent satisfaction accordingly."""

    def __init__(
        self, population: Population, clock: SimulatedClock, journal: SimulatedJournal, agenda: Agenda, seed: int
    ) -> None:
        self._population = population
        self._clock = clock
        self._journal = journal
        self._agenda = agenda
        self._rng = stream(seed, "experience")
        self._outage = self._rng.random((clock.days, 2)) < (0.022, 0.012)
        self._survey_day = self._rng.integers(0, 182, len(population))

    def day(self, day: int, state: CustomerState, payers: IntArray, logins: Sessions, hardship: BoolArray) -> None:
        """Draw what goes well and badly on a day."""
        disturbed = np.concatenate(
            [self._refusals(day, state, payers, hardship), self._outages(day, state, logins), self._fees(day, state)]
        )
        self._complaints(day, state, disturbed)
        self._resolutions(day, state)
        self._recommendations(day, state)
        contentment = 0.012 * (self._population.content - state.satisfaction)
        unrest = -0.016 * np.minimum(state.open_complaints, 2) - 0.004 * np.maximum(state.fatigue - 2.0, 0)
        noise = self._rng.normal(0, 0.02, len(state.satisfaction))
        state.satisfaction = np.clip(state.satisfaction + contentment + unrest + noise, -4, 3)

    def _refusals(self, day: int, state: CustomerState, payers: IntArray, hardship: BoolArray) -> IntArray:
        strained = hardship & (state.deferred_until <= day)
        odds = -4.9 - 0.6 * self._population.income_scaled[payers] + 1.5 * strained[payers]
        odds -= BUDGETING_EFFECT * (state.budgeting_until[payers] > day)
        refused = payers[self._rng.random(len(payers)) < logistic(odds)]
        at = self._clock.moments(day, self._rng.uniform(8 * 3600, 22 * 3600, len(refused)))
        self._journal.book("REFUSED", refused, at)
        np.add.at(state.satisfaction, refused, -0.22)
        np.add.at(state.recent_refusals, refused, 1.0)
        state.last_refusal[refused] = day
        return refused

    def _outages(self, day: int, state: CustomerState, logins: Sessions) -> IntArray:
        down = np.zeros(len(logins.customers), np.bool_)
        for position, channel in enumerate((APP, WEB)):
            if self._outage[day, position]:
                down |= (logins.channel == channel) & (self._rng.random(len(down)) < 0.6)
        met = logins.customers[down]
        self._journal.touch("outage_met", met, logins.at[down] + 20 * SECOND, channel=logins.channel[down])
        np.add.at(state.satisfaction, met, -0.16)
        return met

    def _fees(self, day: int, state: CustomerState) -> IntArray:
        if day % 30 != 1:
            return np.empty(0, np.int64)
        bound = state.here & (state.waiver_until <= day)
        charged = np.flatnonzero(bound & (self._rng.random(len(bound)) < FEE_SHARE))
        at = self._clock.moments(day, np.full(len(charged), 4 * 3600.0))
        self._journal.book(
            "FEE", charged, at, amount=self._rng.choice([2.95, 4.5, 9.9], len(charged), p=[0.5, 0.4, 0.1])
        )
        state.satisfaction[charged] -= 0.07
        return charged[self._rng.random(len(charged)) < 0.08]

    def _complaints(self, day: int, state: CustomerState, disturbed: IntArray) -> None:
        rng = self._rng
        chance = 0.00022 * np.exp(-0.5 * state.satisfaction)
        np.add.at(chance, disturbed, 0.05)
        engaged = state.here & (state.open_complaints == 0) & (state.fade > 0.05)
        customers = np.flatnonzero(engaged & (rng.random(len(chance)) < chance))
        at = self._clock.moments(day, times_office(rng, len(customers)))
        channel = np.where(rng.random(len(customers)) < 0.5, CALL, np.where(rng.random(len(customers)) < 0.5, APP, WEB))
        self._journal.touch("complaint_opened", customers, at, channel=channel)
        state.open_complaints[customers] += 1
        state.last_complaint[customers] = state.last_activity[customers] = day
        state.satisfaction[customers] -= 0.3
        wait = np.clip(np.exp(rng.normal(np.log(7), 0.9, len(customers))), 0.3, 60)
        slow = 0.5 * (wait > 14)
        well = rng.random(len(customers)) < WELL_RESOLVED_SHARE - 0.6 * slow
        self._agenda.put("resolve", customers, at + (wait * DAY).astype(np.int64) // SECOND * SECOND, well, channel)

    def _resolutions(self, day: int, state: CustomerState) -> None:
        rng = self._rng
        customers, at, well, channel, _ = self._agenda.take("resolve", day)
        here = state.here[customers]
        customers, at, well, channel = customers[here], at[here], well[here], channel[here]
        self._journal.touch("complaint_resolved", customers, at, channel=channel)
        state.open_complaints[customers] = np.maximum(state.open_complaints[customers] - 1, 0)
        state.satisfaction[customers] += np.where(well == 1, RECOVERY, -DISAPPOINTMENT)
        answers = rng.random(len(customers)) < 0.35
        score = np.clip(np.round(2.0 + 2.2 * well[answers] + rng.normal(0, 0.8, answers.sum())), 1, 5)
        later = at[answers] + rng.integers(3600, 2 * 86_400, answers.sum()) * SECOND
        self._journal.touch("csat_answer", customers[answers], later, channel=channel[answers], score=score)

    def _recommendations(self, day: int, state: CustomerState) -> None:
        """Ask each customer twice a year whether they would recommend the bank; few respond, quiet ones never."""
        rng = self._rng
        surveyed = np.flatnonzero(state.here & (self._survey_day == day % 182))
        answers = surveyed[rng.random(len(surveyed)) < 0.3 * state.fade[surveyed]]
        score = np.clip(np.round(7.2 + 1.7 * state.satisfaction[answers] + rng.normal(0, 1.4, len(answers))), 0, 10)
        self._journal.touch(
            "nps_answer", answers, self._clock.moments(day, times_office(rng, len(answers))), score=score
        )
