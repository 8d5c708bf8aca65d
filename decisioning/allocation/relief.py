"""Relief of overdrawn resources: the customers who lose least give way."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.ledger import Ledger, Units
from decisioning.allocation.moves import Cheapest, Moves
from decisioning.allocation.passes import over_chunks
from decisioning.allocation.problem import Chunk, Problem
from decisioning.allocation.scoring import best_of, priced_blocks
from decisioning.allocation.taken import Choices, keys_of, units_taken
from expressions.types import Array


def relieve(
    problem: Problem, prices: Array, ledger: Ledger, chosen: Choices, used: list[int], threads: int
) -> tuple[Units, int]:
    """Take candidates away until every resource is within its capacity.

    Among those who consume an overdrawn resource, the first to give way lose least (compared with their next best
    candidate or none) per share of the excess that they free. `fill` decides what they get instead.

    Args:
        problem: Customers and capacities.
        prices: Shape (K,).
        ledger: Ledger of the capacities.
        chosen: Candidates of all customers, -1 for none, shape (n,); changed in place.
        used: Units used of each resource; Python integers, because 64 bits may be too few.
        threads: Number of threads.

    Returns:
        Units used afterwards, nowhere above the capacity, and the number of passes.
    """
    passes = 0
    while any(excess := [max(0, one - most) for one, most in zip(used, ledger.capacity.tolist(), strict=True)]):
        ways_out = partial(_ways_out, prices=prices, ledger=ledger, chosen=chosen, excess=excess)
        pool = Cheapest(problem.resources)
        for found in over_chunks(ways_out, problem.chunks, threads):
            pool.add(found)
        moves = pool.ordered()
        leaves = _first_to_leave(moves.units, excess)
        chosen[moves.positions[leaves]] = -1
        used = [one + freed for one, freed in zip(used, moves.units[:, leaves].sum(axis=1).tolist(), strict=True)]
        passes += 1
    return np.array(used, dtype=np.int64), passes


def _ways_out(chunk: Chunk, start: int, *, prices: Array, ledger: Ledger, chosen: Choices, excess: list[int]) -> Moves:
    parts = [Moves.none(len(prices))]
    keys = keys_of(chunk, start)
    over = np.flatnonzero(excess)
    beyond = np.array(excess, dtype=np.float64)[over]
    for block, priced in priced_blocks(chunk, prices):
        mine = chosen[start + block.start : start + block.stop]
        rows = np.flatnonzero(mine >= 0)
        units = units_taken(chunk, rows + block.start, mine[rows], ledger)
        concerned = units[over].any(axis=0)
        rows, units = rows[concerned], units[:, concerned]
        worth = priced[rows, mine[rows]]
        priced[rows, mine[rows]] = -np.inf
        _, instead = best_of(priced[rows])
        loss = worth - np.maximum(instead, 0.0)
        freed = (units[over] / beyond[:, None]).sum(axis=0)
        nobody = np.full(len(rows), -1, dtype=np.int32)
        parts.append(Moves(rows + block.start + start, keys[rows + block.start], nobody, loss / freed, -units))
    return Moves.joined(parts)


def _first_to_leave(units: Units, excess: list[int]) -> NDArray[np.bool_]:
    """Mark the first moves that together free the excess of every resource, or all of them if they are too few."""
    leaves = np.zeros(units.shape[1], dtype=np.bool_)
    for resource, beyond in enumerate(excess):
        missing = beyond + int(units[resource, leaves].sum())
        if missing > 0:
            others = np.flatnonzero(~leaves & (units[resource] < 0))
            freed = np.cumsum(-units[resource, others])
            enough = int(np.searchsorted(freed, min(missing, np.iinfo(np.int64).max)))
            leaves[others[: enough + 1]] = True
    return leaves
