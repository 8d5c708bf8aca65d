"""A bank's night: customers, candidates, and budgets and capacities of mixed kinds, chunk by chunk in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from decisioning.allocation.problem import AllocationProblem, CustomerChunk

CANDIDATES, CHUNK_ROWS = 20, 50_000
NAMES = (
    "money for acquisition",
    "money for retention",
    "stock of gift cards",
    "calls of senior advisers",
    "calls of advisers",
    "stock of events",
    "stock of terminals",
    "reach of the main offer",
    "letters",
    "contacts",
)
ON_ACCEPTANCE = 3
"""So many resources, the first, are charged when an offer is accepted: propensity x cost in expectation."""
SHARES = (0.3, 0.4, 0.2, 0.25, 0.5, 0.2, 0.1, 0.6, 1.5, 1.5)
"""Capacities as shares of what would be consumed if there were no limits; the last two never bind."""


class StoredChunks:
    """Chunks in a folder, mapped when their turn comes."""

    def __init__(self, folder: Path) -> None:
        self._folders = sorted(one for one in folder.iterdir() if one.is_dir())
        self._same_for_all = tuple(np.load(folder / "contacts.npy"))

    def __iter__(self) -> Iterator[CustomerChunk]:
        for folder in self._folders:
            # as a plain array: slices of a mapped one cost ten times as much
            gain, *amounts = (np.asarray(np.load(file, mmap_mode="r")) for file in sorted(folder.iterdir()))
            yield CustomerChunk(gain, (*amounts, *self._same_for_all))


def stored_problem(folder: Path) -> AllocationProblem:
    """Open what `write_problem` wrote."""
    return AllocationProblem(StoredChunks(folder), np.load(folder / "capacity.npy"), NAMES)


def write_problem(folder: Path, customers: int, seed: int = 7) -> None:
    """Write the customers' chunks, and capacities that go with them."""
    offers = np.random.default_rng(seed)
    value, cost = offers.lognormal(4.0, 0.7, CANDIDATES), offers.uniform(2.0, 30.0, CANDIDATES)
    charged = np.zeros((ON_ACCEPTANCE, CANDIDATES))
    charged[0, :12], charged[1, 8:], charged[2, 4:8] = cost[:12], cost[8:], 1.0
    contacts = np.zeros((len(NAMES) - ON_ACCEPTANCE, CANDIDATES))
    for resource, candidates in enumerate(
        (slice(0, 5), slice(3, 9), slice(9, 10), slice(13, 14), slice(14, 18), slice(2, 12), slice(0, 20))
    ):
        contacts[resource, candidates] = 1.0
    folder.mkdir(parents=True)
    np.save(folder / "contacts.npy", contacts)
    demand = np.zeros(len(NAMES))
    for number, first in enumerate(range(0, customers, CHUNK_ROWS)):
        rows = min(CHUNK_ROWS, customers - first)
        rng = np.random.default_rng([seed, number])
        ready = rng.beta(1.2, 25.0, (rows, 1)) * rng.lognormal(0.0, 0.8, (rows, CANDIDATES))
        propensity = np.minimum(ready, 0.9)
        worth = value * rng.lognormal(0.0, 0.5, (rows, 1)) * rng.lognormal(0.0, 0.3, (rows, CANDIDATES))
        gain = propensity * worth - rng.uniform(0.0, 0.5, (1, CANDIDATES))
        gain[rng.random((rows, CANDIDATES)) < 0.4] = -np.inf
        where = folder / f"{number:05d}"
        where.mkdir()
        np.save(where / "0.npy", gain)
        best, place = gain.argmax(axis=1), np.arange(rows)
        buys = gain[place, best] > 0
        for resource, price in enumerate(charged):
            amounts = propensity * price
            np.save(where / f"{resource + 1}.npy", amounts)
            demand[resource] += amounts[place, best][buys].sum()
        demand[ON_ACCEPTANCE:] += contacts[:, best[buys]].sum(axis=1)
    capacity = demand * np.array(SHARES)
    capacity[ON_ACCEPTANCE:] = np.floor(capacity[ON_ACCEPTANCE:])
    np.save(folder / "capacity.npy", capacity)
