"""Changes to an allocation, gathered over all chunks: the ones that cost least are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.ledger import MOST_TERMS, Units


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Customers who could take another candidate, or none.

    Attributes:
        positions: Shape (p,), customers, counted over all chunks.
        keys: Shape (p,), decide between equals.
        candidates: Shape (p,), what they would take; -1 for none.
        cost: Shape (p,), what orders the moves, the least first.
        units: Shape (K, p), what they would consume more; negative where less.
    """

    positions: NDArray[np.int64]
    keys: NDArray[np.uint64]
    candidates: NDArray[np.int32]
    cost: NDArray[np.float64]
    units: Units

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, places: NDArray[np.intp]) -> Moves:
        """Take some of them, in this order."""
        return Moves(
            self.positions[places],
            self.keys[places],
            self.candidates[places],
            self.cost[places],
            self.units[:, places],
        )

    @classmethod
    def none(cls, resources: int) -> Moves:
        """Begin without any."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.uint64),
            np.empty(0, np.int32),
            np.empty(0),
            np.empty((resources, 0), np.int64),
        )

    @classmethod
    def joined(cls, parts: list[Moves]) -> Moves:
        """Put parts behind one another."""
        return cls(
            np.concatenate([part.positions for part in parts]),
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.candidates for part in parts]),
            np.concatenate([part.cost for part in parts]),
            np.concatenate([part.units for part in parts], axis=1),
        )


class Cheapest:
    """The moves that cost least, of any number that are put in.

    Args:
        resources: How many there are.
        most: How many are kept: what is summed in 64 bits, by default.
    """

    def __init__(self, resources: int, most: int = MOST_TERMS) -> None:
        self._most = most
        self._parts = [Moves.none(resources)]

    def add(self, moves: Moves) -> None:
        """Put moves in; when twice too many are there, the dearest are forgotten."""
        self._parts.append(moves)
        if sum(len(part) for part in self._parts) > 2 * self._most:
            self._parts = [self.ordered()]

    def ordered(self) -> Moves:
        """Give the cheapest moves, by cost, then candidate, then key, then position."""
        moves = Moves.joined(self._parts)
        if len(moves) > self._most:  # equals of the last one kept stay in, for the order to decide
            dearest = np.partition(moves.cost, self._most - 1)[self._most - 1]
            moves = moves.at(np.flatnonzero(moves.cost <= dearest))
        order = np.lexsort((moves.positions, moves.keys, moves.candidates, moves.cost))
        return moves.at(order[: self._most])
