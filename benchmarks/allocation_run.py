"""One way to share out, in a process of its own: `python -m benchmarks.allocation_run METHOD FOLDER RESULT`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.allocation_baselines import Whole, first_come, greedy, paced
from benchmarks.allocation_problem import stored_problem
from decisioning.allocation.allocate import allocate
from decisioning.allocation.pacing import DayPlan, Pacing
from decisioning.allocation.prices import Prices, PriceSearch, find_prices
from decisioning.allocation.problem import AllocationProblem
from tests.decisioning.allocation.linear_program import solve_whole

WARM = "warm.npy"
EXACT = PriceSearch(relative_tolerance=1e-8, most_passes=500)
OFF = 1.05
"""Prices of a night that was wrong by 5 %."""


def prices(folder: Path) -> dict[str, Any]:
    """Share out by prices, chunks from files."""
    problem = stored_problem(folder)
    started, used = perf_counter(), process_time()
    found = find_prices(problem, PriceSearch())
    priced = perf_counter()
    shared = allocate(problem, found)
    ended, cpu = perf_counter(), process_time() - used
    np.save(folder / WARM, np.append(found.prices, found.bound))
    again = find_prices(problem, PriceSearch(), found.prices * OFF)
    return {
        "seconds_prices": priced - started,
        "seconds_allocation": ended - priced,
        "seconds_solving": ended - started,
        "cpu_seconds_solving": cpu,
        "bound": found.bound,
        "passes": found.passes,
        "sample_passes": found.sample_passes,
        "passes_from_warm_prices": again.passes,
        "allocation_passes": shared.passes,
        "gap": shared.gap,
        "resources": [
            {"name": one.name, "capacity": one.capacity, "used": one.used, "price": one.price}
            for one in shared.resources
        ],
        **_judged(problem, np.concatenate(shared.chosen)),
    }


def exact(folder: Path) -> dict[str, Any]:
    """Find prices as exactly as a linear program does."""
    started = perf_counter()
    found = find_prices(stored_problem(folder), EXACT)
    return {"seconds_solving": perf_counter() - started, "bound": found.bound, "passes": found.passes}


def linear_program(folder: Path) -> dict[str, Any]:
    """Solve the whole linear program."""
    whole = Whole.of(stored_problem(folder))
    started = perf_counter()
    optimum = solve_whole(whole.chunk, whole.capacity)
    return {"seconds_solving": perf_counter() - started, "bound": optimum.value}


def _offline(solve: Callable[[Whole], np.ndarray], folder: Path) -> dict[str, Any]:
    whole = Whole.of(stored_problem(folder))
    started, used = perf_counter(), process_time()
    chosen = solve(whole)
    seconds, cpu = perf_counter() - started, process_time() - used
    return {
        "seconds_solving": seconds,
        "cpu_seconds_solving": cpu,
        **_judged(AllocationProblem([whole.chunk], whole.capacity), chosen),
    }


def _day(folder: Path, block: int, off: float, pacing: Pacing) -> dict[str, Any]:
    """Let everybody arrive, with the night's prices."""
    *night, bound = np.load(folder / WARM).tolist()
    warm = Prices(np.array(night) * off, bound, bound, 0, 0, converged=True)

    def arrive(whole: Whole) -> np.ndarray:
        return paced(whole, DayPlan.of(warm, whole.capacity, pacing), block)

    return {"block": block, **_offline(arrive, folder)}


def _judged(problem: AllocationProblem, chosen: np.ndarray) -> dict[str, Any]:
    """Add up what was gained, and, without rounding, what was used."""
    first, gains, amounts = 0, [], []
    for chunk in problem.chunks:
        mine = chosen[first : first + len(chunk)]
        rows = np.flatnonzero(mine >= 0)
        gains.append(chunk.gain[rows, mine[rows]])
        amounts.append(np.stack([chunk.taken(k, rows, mine[rows]) for k in range(problem.resources)]))
        first += len(chunk)
    used = [math.fsum(one) for one in np.concatenate(amounts, axis=1)]
    return {
        "value": math.fsum(np.concatenate(gains)),
        "customers": len(chosen),
        "served": int((chosen >= 0).sum()),
        "overdrawn": max(0.0, *(one - most for one, most in zip(used, problem.capacity.tolist(), strict=True))),
    }


METHODS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "prices": prices,
    "exact": exact,
    "linear_program": linear_program,
    "greedy": lambda folder: _offline(greedy, folder),
    "first_come": lambda folder: _offline(first_come, folder),
    "one_by_one": lambda folder: _day(folder, 1, 1.0, Pacing()),
    "in_blocks": lambda folder: _day(folder, 100, 1.0, Pacing()),
    "wrong_prices": lambda folder: _day(folder, 100, OFF, Pacing()),
    "wrong_and_kept": lambda folder: _day(folder, 100, OFF, Pacing(stiffness=0.0)),
}


if __name__ == "__main__":
    method, source, target = sys.argv[1:]
    Path(target).write_text(json.dumps(METHODS[method](Path(source))), encoding="utf-8")
