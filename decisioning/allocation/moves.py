"""Moves: changes to an allocation, collected over all chunks; the cheapest are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.ledger import MOST_TERMS, Units


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Customers who could switch to another candidate, or to none.

    Attributes:
        positions: Shape (p,), positions of the customers, counted over all chunks.
        keys: Shape (p,), keys that break ties.
        candidates: Shape (p,), the new candidate; -1 for none.
        cost: Shape (p,), sort key of the moves, lowest first.
        units: Shape (K, p), change in consumption; negative where it decreases.
    """

    positions: NDArray[np.int64]
    keys: NDArray[np.uint64]
    candidates: NDArray[np.int32]
    cost: NDArray[np.float64]
    units: Units

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, places: NDArray[np.intp]) -> Moves:
        """Return some of the moves, in this order."""
        return Moves(
            self.positions[places],
            self.keys[places],
            self.candidates[places],
            self.cost[places],
            self.units[:, places],
        )

    @classmethod
    def none(cls, resources: int) -> Moves:
        """Return an empty collection of moves."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.uint64),
            np.empty(0, np.int32),
            np.empty(0),
            np.empty((resources, 0), np.int64),
        )

    @classmethod
    def joined(cls, parts: list[Moves]) -> Moves:
        """Concatenate collections of moves."""
        return cls(
            np.concatenate([part.positions for part in parts]),
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.candidates for part in parts]),
            np.concatenate([part.cost for part in parts]),
            np.concatenate([part.units for part in parts], axis=1),
        )


class Cheapest:
    """Keeps the cheapest of all moves that are added.

    Args:
        resources: Number of resources.
        most: How many moves are kept; by default as many as can be summed in 64 bits.
    """

    def __init__(self, resources: int, most: int = MOST_TERMS) -> None:
        self._most = most
        self._parts = [Moves.none(resources)]

    def add(self, moves: Moves) -> None:
        """Add moves; when there are more than twice as many as are kept, the most expensive are dropped."""
        self._parts.append(moves)
        if sum(len(part) for part in self._parts) > 2 * self._most:
            self._parts = [self.ordered()]

    def ordered(self) -> Moves:
        """Return the cheapest moves, by cost, then candidate, then key, then position."""
        moves = Moves.joined(self._parts)
        if len(moves) > self._most:  # ties with the last one kept stay in; the order below decides between them
            dearest = np.partition(moves.cost, self._most - 1)[self._most - 1]
            moves = moves.at(np.flatnonzero(moves.cost <= dearest))
        order = np.lexsort((moves.positions, moves.keys, moves.candidates, moves.cost))
        return moves.at(order[: self._most])
