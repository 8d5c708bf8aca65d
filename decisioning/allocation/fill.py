"""Repair of an allocation: overdrawn resources are relieved, then remaining capacity is filled up."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.ledger import Ledger, Units
from decisioning.allocation.moves import Cheapest, Moves
from decisioning.allocation.oracle import over_chunks
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.allocation.scoring import best_of, priced_blocks
from decisioning.allocation.taken import Choices, keys_of, units_taken
from expressions.types import Array

MOST_STEPS = 64
"""Maximum steps in a round: each does moves while all resources last and drops those that no longer fit."""
MOST_MOVES = 1 << 16
"""Maximum moves in a round; ordering more would cost more than it gains."""


def fill(
    problem: AllocationProblem, prices: Array, ledger: Ledger, chosen: Choices, used: Units, threads: int
) -> tuple[Units, float]:
    """Do one round of moves to candidates with a higher gain, as long as they fit.

    A customer's move is the best candidate at these prices among those that gain more than the present one and fit
    what is left. Moves are done in the order of their loss at these prices, which is their distance from the bound.

    Args:
        problem: Customers and capacities.
        prices: Shape (K,).
        ledger: Ledger of the capacities.
        chosen: Candidates of all customers, -1 for none, shape (n,); changed in place.
        used: Units used so far, within the capacity, shape (K,).
        threads: Number of threads.

    Returns:
        Units used afterwards, within the capacity, and the gain of the round; 0 if nobody could move.
    """
    left = ledger.capacity - used
    gains = partial(_gains, prices=prices, ledger=ledger, chosen=chosen, left=left)
    pool = Cheapest(problem.resources, MOST_MOVES)
    for found in over_chunks(gains, problem.chunks, threads):
        pool.add(found)
    moves = pool.ordered()
    done = _that_fit(np.maximum(moves.units, 0), left)  # units that moves free count from the next round on
    chosen[moves.positions[done]] = moves.candidates[done]
    more = moves.units[:, done].sum(axis=1)
    return used + more, float(prices @ ledger.amounts(more)) - float(moves.cost[done].sum())


def _gains(chunk: CustomerChunk, start: int, *, prices: Array, ledger: Ledger, chosen: Choices, left: Units) -> Moves:
    parts = [Moves.none(len(prices))]
    keys = keys_of(chunk, start)
    amounts_left = ledger.amounts(left)
    scarce = [k for k, amounts in enumerate(chunk.consumption) if amounts.size and not amounts.max() <= amounts_left[k]]
    for block, priced in priced_blocks(chunk, prices):
        mine = chosen[start + block.start : start + block.stop].astype(np.intp)
        places = np.arange(len(mine))
        gain = chunk.gain[block]
        has = mine >= 0
        better = gain > np.where(has, gain[places, mine], 0.0)[:, None]
        rows = np.flatnonzero(better.any(axis=1))
        better, mine, has = better[rows], mine[rows], has[rows]
        for resource in scarce:
            amounts = chunk.consumption[resource]
            held = np.where(has, chunk.taken(resource, rows + block.start, mine), 0.0)
            wanted = amounts if amounts.ndim == 1 else amounts[rows + block.start]
            better &= wanted <= (amounts_left[resource] + held)[:, None]
        scores = np.where(better, priced[rows], -np.inf)
        best, best_score = best_of(scores)
        present = np.where(has, priced[rows, mine], 0.0)
        moving = np.flatnonzero(best_score > -np.inf)
        rows, best, loss = rows[moving], best[moving], (present - best_score)[moving]
        mine, has = mine[moving], has[moving]
        units = units_taken(chunk, rows + block.start, best, ledger)
        units -= np.where(has, units_taken(chunk, rows + block.start, np.maximum(mine, 0), ledger), 0)
        fits = (units <= left[:, None]).all(axis=0)
        rows, best, loss, units = rows[fits], best[fits], loss[fits], units[:, fits]
        where = rows + block.start
        parts.append(Moves(where + start, keys[where], best.astype(np.int32), loss, units))
    return Moves.joined(parts)


def _that_fit(units: Units, left: Units) -> NDArray[np.intp]:
    """Return the moves that fit when done in order; those that no longer fit are skipped.

    Args:
        units: Shape (K, p), none negative, each within `left`.
        left: Shape (K,).
    """
    taken: list[NDArray[np.intp]] = []
    open_ = np.arange(units.shape[1])
    for _ in range(MOST_STEPS):
        if not len(open_):
            break
        together = np.cumsum(units[:, open_], axis=1)
        too_much = np.flatnonzero((together > left[:, None]).any(axis=0))
        count = int(too_much[0]) if len(too_much) else len(open_)
        taken.append(open_[:count])
        if count:
            left = left - together[:, count - 1]
        open_ = open_[count:]
        open_ = open_[(units[:, open_] <= left[:, None]).all(axis=0)]
    return np.concatenate([np.empty(0, dtype=np.intp), *taken])


def relieve(
    problem: AllocationProblem, prices: Array, ledger: Ledger, chosen: Choices, used: list[int], threads: int
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


def _ways_out(
    chunk: CustomerChunk, start: int, *, prices: Array, ledger: Ledger, chosen: Choices, excess: list[int]
) -> Moves:
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
        best_score = priced[rows, mine[rows]]
        priced[rows, mine[rows]] = -np.inf
        _, instead = best_of(priced[rows])
        loss = best_score - np.maximum(instead, 0.0)
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
