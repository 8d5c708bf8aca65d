"""Agenda: what will happen on later days because of something that happens today."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.clock import Clock
from simulation.market import BoolArray, IntArray


class Agenda:
    """Appointments by kind and day; those after the end of the simulation are dropped.

    Each appointment is a row: customer, moment (microseconds UTC), and three integers whose meaning its kind defines.
    """

    def __init__(self, clock: Clock) -> None:
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
