"""Dual prices of budgets and capacities: the prices at which everybody's best choice just fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.allocation.master import Free, Master
from decisioning.allocation.oracle import Dual, evaluate
from decisioning.allocation.problem import AllocationProblem
from decisioning.allocation.survey import survey
from domain.errors import DataError
from domain.spec import Spec
from expressions.types import Array

FAR, NEAR = 0.5, 0.7
"""Weight of the best prices so far in the next ones. Measured on 300,000 customers, 20 candidates and 10 resources:
from zero prices 41 passes with 0.5 (0.3: 46, 0.7: 49), from the prices of a sample 24 with 0.7 (0.5: 32)."""
LEFT_OVER = 0.01
"""A resource of which more than this share is left over is not scarce."""
NEGLIGIBLE = 1e-250
"""A bound below this counts as zero: smaller numbers lose precision."""


DUST = 1e-12
"""Capacities up to this are treated as zero: no contact would fit, and prices would overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSearch(Spec):
    """Settings of the price search.

    Attributes:
        relative_tolerance: The search ends when the bound is known to be within this share of the best one.
        most_passes: Maximum passes over all customers; the bound holds whenever the search ends.
        sample_customers: Prices are first searched for on a sample of this size, then from there on all customers.
        threads: Number of threads.
    """

    relative_tolerance: float = 1e-6
    most_passes: int = 100
    sample_customers: int = 16_384
    threads: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.relative_tolerance < 1:
            raise DataError(
                "relative_tolerance is out of range",
                got=str(self.relative_tolerance),
                expected="a share between 0 and 1",
            )
        for name in ("most_passes", "sample_customers", "threads"):
            if getattr(self, name) < 1:
                raise DataError(f"{name} is too small", got=str(getattr(self, name)), expected="at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Dual prices of the resources, with the bounds they prove.

    Attributes:
        prices: Shape (K,), value of one more unit, in currency per unit. 0 where there is enough; for a resource with
            no capacity, the lowest price at which nobody wants it.
        bound: Upper bound on the total gain of any allocation within the capacities.
        lowest: Lower bound of the dual function: the optimum of the linear program lies between the two.
        passes: Passes over all customers, including the one that checks the data.
        sample_passes: Passes over the sample.
        converged: Whether the bounds are within the tolerance.
    """

    prices: Array
    bound: float
    lowest: float
    passes: int
    sample_passes: int
    converged: bool


def find_prices(problem: AllocationProblem, settings: PriceSearch, warm: Array | None = None) -> Prices:
    """Find the prices that minimise the dual function.

    Cutting planes with in-out stabilisation (Kelley 1960; Ben-Ameur and Neto 2007): each pass evaluates everybody's
    choices at prices between the best ones so far and those of the master program. A sample gives the first prices.

    Args:
        problem: Customers and capacities.
        settings: Settings of the search.
        warm: Initial prices, for example yesterday's, shape (K,); the sample is then skipped. They do not change the
            result by more than the tolerance.

    Raises:
        DataError: If the problem's data or the initial prices are inconsistent.

    Example:
        >>> from decisioning.allocation.problem import CustomerChunk
        >>> calls = AllocationProblem([CustomerChunk(np.array([[5.0], [3.0], [2.0]]), (np.ones(1),))], np.array([2.0]))
        >>> found = find_prices(calls, PriceSearch())
        >>> round(found.bound, 6), bool(2.0 <= found.prices[0] <= 3.0)
        (8.0, True)
    """
    start = _checked(warm, problem)
    found = survey(problem, settings.sample_customers)
    free = problem.capacity > DUST
    start = np.where(free, start, found.shut_out)
    sample_passes = 0
    if warm is None and found.sample is not None and found.customers > 2 * settings.sample_customers:
        share = len(found.sample) / found.customers
        few = AllocationProblem([found.sample], problem.capacity * share)
        first = _minimise(few, free, start, settings, FAR)
        start, sample_passes = first.prices, first.passes
    near = warm is not None or sample_passes > 0
    everybody = _minimise(problem, free, start, settings, NEAR if near else FAR)
    return Prices(
        everybody.prices,
        everybody.bound,
        everybody.lowest,
        everybody.passes + 1,
        sample_passes,
        everybody.converged,
    )


def _minimise(problem: AllocationProblem, free: Free, start: Array, settings: PriceSearch, smoothing: float) -> Prices:
    best = evaluate(problem, start, settings.threads)
    duals, lowest = [best], 0.0  # giving nothing to anybody is an allocation
    if best.bound <= NEGLIGIBLE or not free.any():  # nobody gains anything, or every price is known
        return Prices(best.prices, best.bound, best.bound, 1, 0, converged=True)
    master, trusted = Master(problem.capacity, free, duals), False
    while True:
        prices, low = master.lowest()
        lowest = max(lowest, min(low, best.bound))
        if _settled(best, lowest, settings) or len(duals) >= settings.most_passes:
            break
        kept = 0.0 if trusted else smoothing
        dual = evaluate(problem, kept * best.prices + (1.0 - kept) * prices, settings.threads)
        duals.append(dual)
        # the dual function is linear between the best point and the master's: the master can be trusted there
        trusted = dual.bound <= kept * best.bound + (1.0 - kept) * low + settings.relative_tolerance * best.bound / 8
        best = min(best, dual, key=lambda one: one.bound)
        if best.bound > NEGLIGIBLE and master.outgrown(best):
            master = Master(problem.capacity, free, duals)
        else:
            master.add(dual)
    converged = _settled(best, lowest, settings)
    idle = _idle(problem, best, free, settings)
    if idle.any():
        cleared = evaluate(problem, np.where(idle, 0.0, best.prices), settings.threads)
        duals.append(cleared)
        if cleared.bound <= best.bound * (1.0 + settings.relative_tolerance):
            best = cleared
    return Prices(best.prices, best.bound, lowest, len(duals), 0, converged)


def _settled(best: Dual, lowest: float, settings: PriceSearch) -> bool:
    return best.bound - lowest <= max(settings.relative_tolerance * best.bound, NEGLIGIBLE)


def _idle(problem: AllocationProblem, best: Dual, free: Free, settings: PriceSearch) -> Free:
    """Return resources that are not scarce but have a price above 0 within the tolerance of the search."""
    slack = problem.capacity - best.used
    left_over = slack > LEFT_OVER * problem.capacity
    idle: Free = left_over & free & (best.prices > 0)
    idle &= best.prices * slack <= settings.relative_tolerance * best.bound
    return idle


def _checked(warm: Array | None, problem: AllocationProblem) -> Array:
    if warm is None:
        return np.zeros(problem.resources)
    warm = np.asarray(warm, dtype=np.float64)
    if warm.shape != problem.capacity.shape or not (np.isfinite(warm) & (warm >= 0)).all():
        raise DataError(
            "invalid initial prices",
            got=str(warm.tolist()),
            expected=f"{problem.resources} finite numbers of at least 0",
            remedy="start without prices",
        )
    return warm
