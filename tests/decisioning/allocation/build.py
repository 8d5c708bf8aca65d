"""Problems of any shape for tests: a few customers drawn by hypothesis, or thousands from a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from decisioning.allocation.allocate import Allocation
from decisioning.allocation.prices import PriceSearch
from decisioning.allocation.problem import AllocationProblem, CustomerChunk

EXACT = PriceSearch(relative_tolerance=1e-8, most_passes=1_000, threads=1)
QUICK = PriceSearch(threads=1)


def cut(chunk: CustomerChunk, sizes: list[int]) -> list[CustomerChunk]:
    """Cut customers into chunks of these sizes, and the rest."""
    ends = [0, *np.minimum(np.cumsum(sizes), len(chunk)).tolist(), len(chunk)]
    return [rows_of(chunk, np.arange(first, last)) for first, last in pairwise(ends)]


def rows_of(chunk: CustomerChunk, rows: np.ndarray) -> CustomerChunk:
    amounts = tuple(one if one.ndim == 1 else one[rows] for one in chunk.consumption)
    return CustomerChunk(chunk.gain[rows], amounts, None if chunk.keys is None else chunk.keys[rows])


def exactly_used(chunk: CustomerChunk, allocation: Allocation) -> list[float]:
    """Add up what is consumed without any rounding but the last one."""
    chosen = np.concatenate([np.empty(0, dtype=np.int32), *allocation.chosen])
    rows = np.flatnonzero(chosen >= 0)
    return [math.fsum(chunk.taken(resource, rows, chosen[rows])) for resource in range(len(chunk.consumption))]


def value_of(chunk: CustomerChunk, allocation: Allocation) -> float:
    chosen = np.concatenate([np.empty(0, dtype=np.int32), *allocation.chosen])
    rows = np.flatnonzero(chosen >= 0)
    return math.fsum(chunk.gain[rows, chosen[rows]])


@dataclass(frozen=True)
class Few:
    """A small problem in one piece."""

    chunk: CustomerChunk
    capacity: np.ndarray

    @property
    def problem(self) -> AllocationProblem:
        return AllocationProblem([self.chunk], self.capacity)


@st.composite
def few(draw: st.DrawFn) -> Few:
    """A few customers; many equal gains and amounts, forbidden candidates, capacities of nothing."""
    customers, candidates, resources = draw(st.integers(0, 8)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    gains = st.one_of(st.integers(-2, 6).map(float), st.floats(-2.0, 50.0), st.sampled_from([-np.inf, np.nan]))
    amounts = st.one_of(st.integers(0, 3).map(float), st.floats(0.01, 4.0))
    limits = st.one_of(st.integers(0, 6).map(float), st.floats(0.01, 9.0))

    def table(elements: st.SearchStrategy[float], *shape: int) -> np.ndarray:
        size = math.prod(shape)
        return np.array(draw(st.lists(elements, min_size=size, max_size=size)), dtype=np.float64).reshape(shape)

    consumption = tuple(
        table(amounts, candidates) if draw(st.booleans()) else table(amounts, customers, candidates)
        for _ in range(resources)
    )
    return Few(CustomerChunk(table(gains, customers, candidates), consumption), table(limits, resources))


def many(customers: int, seed: int = 7, *, tight: float = 1.0) -> Few:
    """A bank in small: money on acceptance, call slots on contact, a stock, reach that never binds."""
    offers, rng = np.random.default_rng(1), np.random.default_rng(seed)
    propensity = np.clip(rng.beta(1.2, 20.0, (customers, 1)) * rng.lognormal(0.0, 0.8, (customers, 6)), 0.0, 0.9)
    gain = propensity * offers.lognormal(4.0, 0.5, 6) * rng.lognormal(0.0, 0.3, (customers, 1)) - 0.2
    gain[rng.random((customers, 6)) < 0.3] = -np.inf
    money = propensity * offers.uniform(5.0, 30.0, 6)
    calls = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    stock = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    share = np.array([0.6, 0.06, 0.01, 2.0]) * tight * customers
    keys = rng.permutation(customers).astype(np.uint64)
    chunk = CustomerChunk(gain, (money, calls, stock, np.ones(6)), keys)
    return Few(chunk, np.array([share[0], np.floor(share[1]), np.floor(share[2]), share[3]]))


class Again:
    """Chunks that are made anew each time, as if read from files, and counts how often."""

    def __init__(self, few_or_many: Few, sizes: list[int]) -> None:
        self._whole, self._sizes, self.passes = few_or_many.chunk, sizes, 0

    def __iter__(self) -> Iterator[CustomerChunk]:
        self.passes += 1
        yield from cut(self._whole, self._sizes)
