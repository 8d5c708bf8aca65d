"""What a bank does without prices: the highest gains first, or whoever comes first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.allocation.pacing import DayPlan, Pacing, pace
from decisioning.allocation.prices import Prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk

SLICE = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Everybody in memory, and what is chosen for them."""

    chunk: CustomerChunk
    capacity: np.ndarray

    @classmethod
    def of(cls, problem: AllocationProblem) -> Whole:
        """Read all chunks."""
        chunks = list(problem.chunks)
        amounts = tuple(
            one if one.ndim == 1 else np.concatenate([chunk.consumption[k] for chunk in chunks])
            for k, one in enumerate(chunks[0].consumption)
        )
        return cls(CustomerChunk(np.concatenate([chunk.gain for chunk in chunks]), amounts), problem.capacity)

    def part(self, first: int, last: int) -> CustomerChunk:
        """Take some customers, one after the other."""
        amounts = tuple(one if one.ndim == 1 else one[first:last] for one in self.chunk.consumption)
        return CustomerChunk(self.chunk.gain[first:last], amounts)


def greedy(whole: Whole) -> np.ndarray:
    """Go through all pairs of customer and candidate by gain, the highest first, and take what still fits."""
    gain = whole.chunk.gain
    candidates = gain.shape[1]
    pairs = np.flatnonzero(gain.ravel() > 0)
    pairs = pairs[np.argsort(-gain.ravel()[pairs], kind="stable")]
    chosen = np.full(len(gain), -1, dtype=np.int32)
    left = whole.capacity.tolist()
    for first in range(0, len(pairs), SLICE):
        rows, columns = np.divmod(pairs[first : first + SLICE], candidates)
        free = chosen[rows] < 0
        rows, columns = rows[free], columns[free]
        amounts = np.stack([whole.chunk.taken(k, rows, columns) for k in range(len(left))], axis=1)
        fits = np.flatnonzero((amounts <= left).all(axis=1))
        taken = set()
        for row, column, needs in zip(rows[fits].tolist(), columns[fits].tolist(), amounts[fits].tolist(), strict=True):
            if row not in taken and all(need <= rest for need, rest in zip(needs, left, strict=True)):
                left = [rest - need for need, rest in zip(needs, left, strict=True)]
                taken.add(row)
                chosen[row] = column
    return chosen


def first_come(whole: Whole, block: int = 1_000) -> np.ndarray:
    """Serve customers in their order with the best candidate that still fits: pacing without any prices."""
    nothing = Prices(np.zeros(len(whole.capacity)), 0.0, 0.0, 0, 0, converged=False)
    return paced(whole, DayPlan.of(nothing, whole.capacity, Pacing(stiffness=0.0)), block)


def paced(whole: Whole, plan: DayPlan, block: int) -> np.ndarray:
    """Let everybody arrive in their order, a block at a time."""
    remaining, customers = plan.ledger.capacity, len(whole.chunk)
    chosen = np.empty(customers, dtype=np.int32)
    for first in range(0, customers, block):
        here = whole.part(first, first + block)
        chosen[first : first + block], remaining = pace(plan, remaining, here.gain, here.consumption, first / customers)
    return chosen
