"""Customers' daily behaviour: they pay, log in, view products and contact the bank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.clock import SimulatedClock, times_office, times_online, times_shopping
from simulation.journal import SimulatedJournal
from simulation.market import APP, ATM, BRANCH, CALL, PRODUCTS, WEB, IntArray
from simulation.needs import Needs
from simulation.odds import logistic
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import CustomerState

WEEK_ONLINE = (1.10, 1.06, 1.03, 1.0, 1.0, 0.88, 0.93)
WEEK_SHOPPING = (0.85, 0.9, 0.95, 1.0, 1.2, 1.35, 0.75)
HIGH_SUMMER = 3.5
"""Late July as an angle of the year: people are away."""
VIEW_EASE = -3.35
"""Log-odds that a login includes a view of a product of average need."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Today's logins or branch visits: customer, moment and channel of each, unordered."""

    customers: IntArray
    at: IntArray
    channel: IntArray


@dataclass(frozen=True, slots=True)
class Views:
    """Today's product views."""

    customers: IntArray
    at: IntArray
    channel: IntArray
    products: IntArray


class Behaviour:
    """Draws all customers' own actions of each day."""

    def __init__(self, population: Population, clock: SimulatedClock, journal: SimulatedJournal, seed: int) -> None:
        self._population = population
        self._clock = clock
        self._journal = journal
        self._rng = stream(seed, "behaviour")
        app = population.affinity[:, APP] + 0.02
        self._app_share = app / (app + population.affinity[:, WEB] + 0.02)
        self._pay_day = self._rng.integers(22, 27, len(population))
        payments = population.transactions_per_day * 30.0
        spent = population.income * population.spend_share * np.where(population.main_bank, 0.9, 0.3)
        self._typical_payment = spent / np.maximum(payments, 1.0)
        # a main account receives the salary, a second one transfers
        self._receipts_per_day = np.where(population.main_bank, 0.012, 0.033)
        self._typical_receipt = population.income * np.where(population.main_bank, 0.12, 0.22)

    def transactions(self, day: int, state: CustomerState) -> IntArray:
        """Draw payments, transfers and cash; return the customer of each payment, as payments may be refused."""
        rng, people = self._rng, self._population
        season = 1 + 0.15 * np.cos(self._clock.year_angle(day) + 0.3)
        rate = state.intensity(day) * WEEK_SHOPPING[self._clock.weekday(day)] * season
        payers = _repeat(rng.poisson(rate * people.transactions_per_day))
        kind, at = rng.random(len(payers)), self._clock.moments(day, times_shopping(rng, len(payers)))
        amount = self._typical_payment[payers] * np.exp(rng.normal(-0.3, 0.75, len(payers)))
        transfer = (kind >= 0.68) & (kind < 0.88)
        by_app = rng.random(len(payers)) < self._app_share[payers]
        self._journal.book("POS", payers[kind < 0.68], at[kind < 0.68], amount=0.8 * amount[kind < 0.68])
        self._journal.book(
            "TRF_OUT",
            payers[transfer],
            at[transfer],
            amount=2.0 * amount[transfer],
            channel=np.where(by_app[transfer], APP, WEB),
        )
        cash = kind >= 0.88
        self._journal.book("ATM", payers[cash], at[cash], amount=10 * np.ceil(amount[cash] / 40), channel=ATM)
        receivers = _repeat(rng.poisson(state.intensity(day) * self._receipts_per_day))
        received = self._typical_receipt[receivers] * np.exp(rng.normal(0, 0.9, len(receivers)))
        moments = self._clock.moments(day, times_office(rng, len(receivers)))
        self._journal.book("TRF_IN", receivers, moments, amount=received)
        state.last_activity[payers] = day
        return payers

    def salaries(self, day: int, state: CustomerState, day_of_month: int) -> None:
        """Pay salaries and pensions to customers whose pay day it is."""
        earners = np.flatnonzero(state.here & state.salary & (self._pay_day == day_of_month))
        at = self._clock.moments(day, self._rng.uniform(3 * 3600, 6 * 3600, len(earners)))
        pay = self._population.income[earners] * np.exp(self._rng.normal(0, 0.04, len(earners)))
        self._journal.book("SAL", earners, at, amount=pay)

    def logins(self, day: int, state: CustomerState) -> Sessions:
        """Draw logins to app and web."""
        rng, people = self._rng, self._population
        season = 1 - 0.15 * np.exp(-(((self._clock.year_angle(day) - HIGH_SUMMER) / 0.45) ** 2))
        rate = state.intensity(day) * WEEK_ONLINE[self._clock.weekday(day)] * season
        customers = _repeat(rng.poisson(rate * people.logins_per_day))
        at = self._clock.moments(day, times_online(rng, people.morningness[customers]))
        channel = np.where(rng.random(len(customers)) < self._app_share[customers], APP, WEB)
        self._journal.login(customers, at, channel)
        state.last_activity[customers] = day
        return Sessions(customers, at, channel)

    def views(self, day: int, state: CustomerState, needs: Needs, logins: Sessions) -> Views:
        """Draw product views during logins and branch visits; some lead to the use of a calculator."""
        rng = self._rng
        visits = self._service_contacts(day, state)
        customers = np.concatenate([logins.customers, visits.customers])
        at, channel = np.concatenate([logins.at, visits.at]), np.concatenate([logins.channel, visits.channel])
        held = state.holdings[customers] > 0
        chance = logistic(VIEW_EASE + 1.25 * needs.level[customers] - 1.2 * held)
        chance[:, 0] *= 0.3  # few people view the account they already have
        row, product = np.nonzero(rng.random((len(customers), len(PRODUCTS))) < chance)
        seen, moments = customers[row], at[row] + rng.integers(20, 400, len(row)) * 1_000_000
        self._journal.touch("product_viewed", seen, moments, channel=channel[row], product=product)
        calculates = rng.random(len(row)) < logistic(-1.8 + 0.5 * needs.level[seen, product])
        self._journal.touch(
            "calculator_used",
            seen[calculates],
            moments[calculates] + 45_000_000,
            channel=channel[row][calculates],
            product=product[calculates],
        )
        np.add.at(state.recent_views, (seen, product), 1.0)
        return Views(seen, moments, channel[row], product.astype(np.int64))

    def _service_contacts(self, day: int, state: CustomerState) -> Sessions:
        """Draw calls and branch visits (weekdays only); return the visits, at which customers see leaflets."""
        rng, people = self._rng, self._population
        if self._clock.weekday(day) >= 5:
            nobody = np.empty(0, np.int64)
            return Sessions(nobody, nobody, nobody)
        rate = state.intensity(day) * 0.0028 * (1 + 4 * (state.open_complaints > 0))
        customers = _repeat(rng.poisson(rate))
        calls = people.affinity[customers, CALL] + 0.03
        calling = rng.random(len(customers)) < calls / (calls + people.affinity[customers, BRANCH] + 0.03)
        at = self._clock.moments(day, times_office(rng, len(customers)))
        self._journal.touch("service_call", customers[calling], at[calling], channel=CALL)
        self._journal.touch("branch_visit", customers[~calling], at[~calling], channel=BRANCH)
        state.last_activity[customers] = day
        helped = rng.random(len(customers))
        np.add.at(state.satisfaction, customers, np.where(helped < 0.8, 0.06, -0.15))
        answers = rng.random(len(customers)) < 0.25
        satisfied = state.satisfaction[customers[answers]] + np.where(helped[answers] < 0.8, 0.4, -0.9)
        score = np.clip(np.round(3.6 + 0.9 * satisfied + rng.normal(0, 0.7, answers.sum())), 1, 5)
        self._journal.touch(
            "csat_answer",
            customers[answers],
            at[answers] + rng.integers(300, 7200, answers.sum()) * 1_000_000,
            channel=np.where(calling[answers], CALL, BRANCH),
            score=score,
        )
        visiting = ~calling
        return Sessions(customers[visiting], at[visiting], np.full(int(visiting.sum()), BRANCH))


def _repeat(counts: IntArray) -> IntArray:
    """Repeat every customer's number by their count."""
    return np.repeat(np.arange(len(counts)), counts)
