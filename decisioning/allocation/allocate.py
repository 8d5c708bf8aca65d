"""The allocation: everybody's best choice at the prices, reduced to fit the capacities, then filled up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from decisioning.allocation.checks import check_chunk
from decisioning.allocation.fill import fill, relieve
from decisioning.allocation.ledger import NEVER, Ledger
from decisioning.allocation.oracle import OrderedSums, over_chunks
from decisioning.allocation.prices import Prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.allocation.scoring import best_of, priced_blocks
from decisioning.allocation.taken import Choices, units_taken
from domain.errors import DataError
from expressions.types import Array

WORTH_A_ROUND = 1e-6
"""Filling up ends after a round that adds less than this share of the bound."""


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """Use of one resource, for reports.

    Attributes:
        name: Name of the resource in the problem.
        capacity: Capacity, in the resource's unit.
        used: Amount used, never above the capacity; rounded up by at most a 2^43rd of it for each customer.
        price: Value of one more unit, in currency; one unit less would cost as much.
    """

    name: str
    capacity: float
    used: float
    price: float

    @property
    def sentence(self) -> str:
        """Describe the use in words.

        Example:
            >>> ResourceUse("call slots", 300.0, 300.0, 3.2).sentence
            'call slots: 300 of 300 used; one more would bring 3.20'
        """
        more = f"one more would bring {self.price:,.2f}" if self.price else "one more would bring nothing"
        return f"{self.name}: {self.used:,.6g} of {self.capacity:,.6g} used; {more}"


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """The candidate that each customer gets.

    Attributes:
        chosen: For each chunk, shape (n,): position of the candidate, -1 for none.
        value: Total gain.
        bound: Upper bound on the total gain of any allocation within the capacities.
        resources: Use of each resource.
        passes: Number of passes over the customers, not counting those of the price search.
    """

    chosen: tuple[Choices, ...]
    value: float
    bound: float
    resources: tuple[ResourceUse, ...]
    passes: int

    @property
    def gap(self) -> float:
        """Maximum share of the bound that is missed; 0 if nobody can gain anything."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def allocate(problem: AllocationProblem, prices: Prices, threads: int = 2) -> Allocation:
    """Allocate the capacities.

    Everybody takes the best candidate at the prices. Where a resource is overdrawn, those who lose least give way.
    What is left goes to those who gain by it. Ties are broken by candidate order, then by the customers' keys (by
    their positions if there are no keys). The result does not depend on chunks or threads.

    Args:
        problem: Customers and capacities.
        prices: Result of `find_prices` for this problem.
        threads: Number of threads.

    Raises:
        DataError: If the problem's data are inconsistent.

    Example:
        >>> from decisioning.allocation.prices import PriceSearch, find_prices
        >>> chunk = CustomerChunk(np.array([[5.0], [3.0], [2.0]]), (np.ones(1),))
        >>> calls = AllocationProblem([chunk], np.array([2.0]), ("calls",))
        >>> shared = allocate(calls, find_prices(calls, PriceSearch()))
        >>> shared.chosen[0].tolist(), shared.value, shared.resources[0].used
        ([0, 0, -1], 8.0, 2.0)
    """
    if prices.prices.shape != problem.capacity.shape:
        raise DataError(
            "the number of prices differs from that of resources",
            got=f"{len(prices.prices)}",
            expected=f"{problem.resources}",
        )
    ledger = Ledger.of(problem.capacity)
    at = prices.prices
    parts, wanted = [np.empty(0, dtype=np.int32)], [0] * problem.resources
    for choices, units in over_chunks(partial(_wishes, prices=at, ledger=ledger), problem.chunks, threads):
        parts.append(choices)
        wanted = [total + more for total, more in zip(wanted, units, strict=True)]
    ends = np.cumsum([len(part) for part in parts])[:-1]
    chosen = np.concatenate(parts)
    del parts
    used, passes = relieve(problem, at, ledger, chosen, wanted, threads)
    gained = np.inf
    while gained > WORTH_A_ROUND * prices.bound:
        used, gained = fill(problem, at, ledger, chosen, used, threads)
        passes += 1
    amounts = ledger.amounts(used)
    uses = zip(problem.names, problem.capacity.tolist(), amounts.tolist(), at.tolist(), strict=True)
    return Allocation(
        tuple(np.split(chosen, ends)[1:]),
        _value(problem, chosen, threads),
        prices.bound,
        tuple(ResourceUse(*use) for use in uses),
        passes + 2,
    )


def _wishes(chunk: CustomerChunk, start: int, *, prices: Array, ledger: Ledger) -> tuple[Choices, list[int]]:
    """Return everybody's choice at the prices and the units it consumes; candidates that can never fit are skipped."""
    del start
    check_chunk(chunk, len(prices), None)
    choices = np.full(len(chunk), -1, dtype=np.int32)
    used = [0] * len(prices)
    for block, priced in priced_blocks(chunk, prices):
        best, worth = best_of(priced)
        buys = np.flatnonzero(worth >= 0)
        rows, best = buys + block.start, best[buys]
        units = units_taken(chunk, rows, best, ledger)
        takes = (chunk.gain[rows, best] > 0) & (units < NEVER).all(axis=0)
        choices[rows[takes]] = best[takes]
        used = [total + more for total, more in zip(used, units[:, takes].sum(axis=1).tolist(), strict=True)]
    return choices, used


def _value(problem: AllocationProblem, chosen: Choices, threads: int) -> float:
    sums = OrderedSums(1)
    for gains in over_chunks(partial(_gains_of, chosen=chosen), problem.chunks, threads):
        sums.add(gains)
    return float(sums.total()[0])


def _gains_of(chunk: CustomerChunk, start: int, *, chosen: Choices) -> Array:
    mine = chosen[start : start + len(chunk)]
    rows = np.flatnonzero(mine >= 0)
    gains = np.zeros((1, len(chunk)))
    gains[0, rows] = chunk.gain[rows, mine[rows]]
    return gains
