"""Agenda: what will happen on later days because of today, legal duties such as renewing documents among it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulation.attributes import Attributes
from simulation.clock import SimulatedClock
from simulation.market import CREDIT_CARD, BoolArray, IntArray
from simulation.population import Population
from simulation.randomness import stream
from simulation.state import CustomerState

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

    def week(self, day: int, state: CustomerState) -> None:
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


class Agenda:
    """Appointments by kind and day; those after the end of the simulation are dropped.

    Each appointment is a row: customer, moment (microseconds UTC), and three integers whose meaning its kind defines.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._due: dict[tuple[str, int], list[NDArray[np.int64]]] = defaultdict(list)

    def put(
        self, kind: str, customers: IntArray, moments: IntArray, first: Any = 0, second: Any = 0, third: Any = 0
    ) -> None:
        """Add appointments on the days of their moments."""
        if len(customers) == 0:
            return
        rows = np.empty((len(customers), 5), dtype=np.int64)
        for position, values in enumerate((customers, moments, first, second, third)):
            rows[:, position] = values
        days = self._clock.day_of(rows[:, 1])
        order = np.argsort(days, kind="stable")
        rows, days = rows[order], days[order]
        starts = np.flatnonzero(np.diff(days, prepend=-2))
        for start, stop in zip(starts, [*starts[1:], len(days)], strict=True):
            if days[start] < self._clock.days:
                self._due[kind, int(days[start])].append(rows[start:stop])

    def __len__(self) -> int:
        """Count the appointments that have not been taken yet."""
        return sum(len(rows) for blocks in self._due.values() for rows in blocks)

    def take(self, kind: str, day: int) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
        """Remove and return the day's appointments of a kind: customers, moments, first, second, third."""
        blocks = self._due.pop((kind, day), None)
        rows = np.concatenate(blocks) if blocks else np.empty((0, 5), dtype=np.int64)
        return rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4]


def first_of_each(keys: IntArray) -> BoolArray:
    """Mark the first occurrence of each key.

    Example:
        >>> first_of_each(np.array([5, 3, 5])).tolist()
        [True, True, False]
    """
    mask = np.zeros(len(keys), dtype=np.bool_)
    mask[np.unique(keys, return_index=True)[1]] = True
    return mask
