"""Customers' legal duties towards the bank: renewing documents that expire, and acknowledging changed terms."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.attributes import Attributes
from simulation.market import CREDIT_CARD, BoolArray, IntArray
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import State

DOCUMENTS_LAST_DAYS: Final = 1825
NOTICE_DAYS: Final = 60
"""Documents become due for renewal this long before they expire."""
NEW_TERMS_EVERY_DAYS: Final = 364
FIRST_NEW_TERMS_DAY: Final = 119
"""A whole number of weeks, because duties are checked once a week."""
OWN_ACCORD_A_WEEK: Final = 0.04
"""Share of customers with a duty who fulfil it unasked each week."""


class Duties:
    """Makes duties fall due, and lets some customers fulfil them without being asked by the bank."""

    def __init__(self, population: Population, attributes: Attributes, seed: int) -> None:
        self._rng = stream(seed, "duties")
        self._attributes = attributes
        shown = np.maximum(population.arrival_day, 0)
        left = self._rng.integers(NOTICE_DAYS, DOCUMENTS_LAST_DAYS, len(population))
        # existing customers showed their documents within the last five years, new ones show them when they join
        self._documents_until: IntArray = np.where(shown > 0, shown + DOCUMENTS_LAST_DAYS, left)

    def week(self, day: int, state: State) -> None:
        """Simulate one week."""
        run_out = state.here & (self._documents_until <= day + NOTICE_DAYS)
        self._attributes.tell("documents_due", np.flatnonzero(run_out & ~self._attributes.documents_due), True)
        if day % NEW_TERMS_EVERY_DAYS == FIRST_NEW_TERMS_DAY:
            bound = state.here & (state.holdings[:, CREDIT_CARD] > 0)
            self._attributes.tell("card_terms_due", np.flatnonzero(bound), True)
        self.renew(self._unasked(self._attributes.documents_due), day)
        self.acknowledge(self._unasked(self._attributes.card_terms_due))

    def renew(self, customers: IntArray, day: int) -> None:
        """Put new documents on file."""
        self._documents_until[customers] = day + DOCUMENTS_LAST_DAYS
        self._attributes.tell("documents_due", customers, False)

    def acknowledge(self, customers: IntArray) -> None:
        """Record that customers have acknowledged the new terms."""
        self._attributes.tell("card_terms_due", customers, False)

    def _unasked(self, due: BoolArray) -> IntArray:
        return np.flatnonzero(due & (self._rng.random(len(due)) < OWN_ACCORD_A_WEEK))
