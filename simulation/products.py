"""Customers' products: how they are brought along, applied for, opened and closed."""

from __future__ import annotations

import numpy as np

from simulation.agenda import Agenda, first_of_each
from simulation.behaviour import Views
from simulation.clock import SimulatedClock, times_office
from simulation.journal import SimulatedJournal
from simulation.market import APP, BRANCH, CURRENT_ACCOUNT, INSURANCE, PRODUCTS, REPEATABLE, FloatArray, IntArray
from simulation.needs import Needs
from simulation.odds import logistic
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import CustomerState

SECOND = 1_000_000
ABANDONED_AFTER_DAYS = 14
"""Days after which an application that was not submitted times out."""
AMOUNTS = np.array([product.amount for product in PRODUCTS])


class Products:
    """Simulates how customers get products and close them."""

    def __init__(
        self, population: Population, clock: SimulatedClock, journal: SimulatedJournal, agenda: Agenda, seed: int
    ) -> None:
        self._population = population
        self._clock = clock
        self._journal = journal
        self._agenda = agenda
        self._rng = stream(seed, "products")
        self._organic = np.array([product.organic for product in PRODUCTS])

    def arrive(self, day: int, state: CustomerState, needs: Needs) -> IntArray:
        """Add today's new customers, with an account and possibly more products; return who they are."""
        rng = self._rng
        brought, *_ = self._agenda.take("join", day)
        customers = np.concatenate([np.flatnonzero(self._population.arrival_day == day), brought])
        share = np.array([min(product.held_at_first, 0.999) for product in PRODUCTS])
        odds = np.log(share / (1 - share)) + 0.7 * needs.level[customers]
        if day > 0:
            odds -= 1.5  # new customers begin with fewer products
        brings = rng.random(odds.shape) < logistic(odds)
        brings[:, CURRENT_ACCOUNT] = True
        row, product = np.nonzero(brings)
        at = self._clock.moments(day, rng.uniform(3600, 6 * 3600, len(customers)))
        self._open(customers[row], at[row], product, np.full(len(row), BRANCH), state)
        state.here[customers] = True
        state.joined_on[customers] = day
        state.last_activity[customers] = day
        return customers

    def demand(self, state: CustomerState, needs: Needs, views: Views) -> None:
        """Turn some of today's views into applications without any offer."""
        seen, product = views.customers, views.products
        odds = self._organic[product] + 0.9 * needs.level[seen, product]
        applies = self._rng.random(len(seen)) < logistic(odds)
        delay = self._rng.integers(120, 5400, int(applies.sum())) * SECOND
        self._agenda.put("apply", seen[applies], views.at[applies] + delay, product[applies], views.channel[applies])

    def day(self, day: int, state: CustomerState, needs: Needs) -> None:
        """Advance applications, open approved products, close products that are no longer needed."""
        self._applications(day, state)
        self._submissions(day, state)
        customers, at, product, *_ = self._agenda.take("abandon", day)
        lapsed = state.applying[customers, product] & state.here[customers]
        self._journal.touch("application_abandoned", customers[lapsed], at[lapsed], product=product[lapsed])
        state.applying[customers[lapsed], product[lapsed]] = False
        state.left_application[customers[lapsed]] = day
        state.left_product[customers[lapsed]] = product[lapsed]
        self._decisions(day, state, needs)
        self._closings(day, state, needs)

    def _applications(self, day: int, state: CustomerState) -> None:
        """Start applications; those that follow an accepted offer are submitted more often."""
        rng = self._rng
        customers, at, product, channel, accepted = self._agenda.take("apply", day)
        held = state.holdings[customers, product]
        free = (held == 0) | (REPEATABLE[product] & (held < 2))
        fits = state.here[customers] & ~state.applying[customers, product] & free
        fits &= first_of_each(customers * len(PRODUCTS) + product)
        customers, at, product, channel, accepted = (
            column[fits] for column in (customers, at, product, channel, accepted)
        )
        self._journal.touch("application_started", customers, at, channel=channel, product=product)
        state.applying[customers, product] = True
        state.last_activity[customers] = day
        submits = rng.random(len(customers)) < np.where(accepted == 1, 0.82, 0.6)
        wait = np.where(
            rng.random(len(customers)) < 0.6, rng.uniform(0.005, 0.04, len(at)), rng.uniform(0.1, 6, len(at))
        )
        self._agenda.put(
            "submit", customers[submits], _after(at[submits], wait[submits]), product[submits], channel[submits]
        )
        leaves = ~submits
        timeout = _after(at[leaves], np.full(int(leaves.sum()), float(ABANDONED_AFTER_DAYS)))
        self._agenda.put("abandon", customers[leaves], timeout, product[leaves])

    def _submissions(self, day: int, state: CustomerState) -> None:
        customers, at, product, channel, _ = self._agenda.take("submit", day)
        valid = state.here[customers] & state.applying[customers, product]
        customers, at, product, channel = customers[valid], at[valid], product[valid], channel[valid]
        self._journal.touch("application_submitted", customers, at, channel=channel, product=product)
        state.last_activity[customers] = day
        wait = self._rng.uniform(0.2, 1.5, len(customers)) * np.where(AMOUNTS[product] > 5000, 6, 1)
        self._agenda.put("open", customers, _after(at, wait), product, channel)

    def _decisions(self, day: int, state: CustomerState, needs: Needs) -> None:
        """Approve most of the submitted applications that are due."""
        customers, at, product, channel, _ = self._agenda.take("open", day)
        state.applying[customers, product] = False
        approved = state.here[customers] & (self._rng.random(len(customers)) < 0.9)
        customers, product = customers[approved], product[approved]
        self._open(customers, at[approved], product, channel[approved], state)
        needs.satisfy(customers, product)

    def _open(
        self, customers: IntArray, at: IntArray, product: IntArray, channel: IntArray, state: CustomerState
    ) -> None:
        amount = AMOUNTS[product] * np.exp(self._rng.normal(0, 0.5, len(customers)))
        self._journal.book("OPEN", customers, at, amount=amount, product=product, channel=channel)
        np.add.at(state.holdings, (customers, product), 1)

    def _closings(self, day: int, state: CustomerState, needs: Needs) -> None:
        """Close single products: rarely, and more often at low need and low satisfaction."""
        rng = self._rng
        customer, product = np.nonzero(state.holdings[:, CURRENT_ACCOUNT + 1 :] > 0)
        product = product + 1
        hazard = 0.00012 * np.exp(-0.5 * needs.level[customer, product] - 0.4 * state.satisfaction[customer])
        hazard[product == INSURANCE] *= 1.6
        closes = state.here[customer] & (rng.random(len(customer)) < hazard)
        customers, products = customer[closes], product[closes]
        at = self._clock.moments(day, times_office(rng, len(customers)))
        self._journal.book("CLOSE", customers, at, product=products, channel=APP)
        state.holdings[customers, products] -= 1


def _after(at: IntArray, days: FloatArray) -> IntArray:
    """Add days to moments, in whole seconds."""
    later: IntArray = at + (days * 86_400).astype(np.int64) * SECOND
    return later
