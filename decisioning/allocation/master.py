"""The master program: a small linear program over all passes so far that proposes where the dual function is lower."""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.oracle import Dual
from expressions.types import Array


class Solver(highspy.Highs):
    """A solver of linear programs that prints nothing, not even its banner.

    Example:
        >>> solver = Solver()
        >>> _ = solver.addVar(0.0, 3.0), solver.changeColCost(0, -1.0), solver.run()
        >>> solver.getInfo().objective_function_value
        -3.0
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library ships it without types

    def enableCallbacks(self) -> None:  # noqa: N802 - the library's name
        """Switch off output first: the library's constructor calls this before anything that would print."""
        self.setOptionValue("output_flag", False)
        self.setOptionValue("threads", 1)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # the library ships it without types


Free = NDArray[np.bool_]
"""Resources whose price is searched for."""

LARGEST_VARIABLE = 1e8
"""Largest price in units of its own size; if prices outgrow it, the program is rebuilt with new units."""
PRECISION = 1e-10
"""Tolerance of the solver, in units of the dual function's size: the finest it offers."""


class Master:
    """The cutting-plane model of the dual function, max over passes of a tangent plane (Kelley 1960).

    Prices and the function are scaled to their own sizes, so that budgets in millions and five call slots weigh alike.
    HiGHS keeps its basis from one solution to the next.

    Args:
        capacity: Shape (K,).
        free: Shape (K,), resources whose price is searched for; the others keep the prices of the passes.
        duals: Passes so far, at least one; the best of them sets the scale.
    """

    def __init__(self, capacity: Array, free: Free, duals: Sequence[Dual]) -> None:
        best = min(duals, key=lambda dual: dual.bound)
        self._capacity, self._free, self._size = capacity[free], free, best.bound
        average = best.bound / np.maximum(np.maximum(best.used[free], self._capacity), np.finfo(float).tiny)
        self._unit = np.maximum(best.prices[free], average / 1_024)
        self._prices = best.prices
        self._solver = Solver()
        for option, value in (
            ("presolve", "off"),
            ("small_matrix_value", 1e-12),
            ("primal_feasibility_tolerance", PRECISION),
            ("dual_feasibility_tolerance", PRECISION),
        ):
            self._solver.setOptionValue(option, value)
        count = len(self._capacity)
        for most in self._most(best.bound):
            self._solver.addVar(0.0, float(most))
        self._solver.addVar(-highspy.kHighsInf, highspy.kHighsInf)
        self._solver.changeColCost(count, 1.0)
        self._columns = np.arange(count + 1, dtype=np.int32)
        for dual in duals:
            self.add(dual)

    def add(self, dual: Dual) -> None:
        """Add a pass: theta >= D(prices) + (capacity - used) x (variable - prices)."""
        slope = (self._capacity - dual.used[self._free]) * self._unit / self._size
        level = dual.bound / self._size - float(slope @ (dual.prices[self._free] / self._unit))
        row = np.append(-slope, 1.0)
        self._solver.addRow(level, highspy.kHighsInf, len(row), self._columns, row)

    def lowest(self) -> tuple[Array, float]:
        """Find the model's minimum.

        Returns:
            Prices, shape (K,), and the model's value there, a lower bound of the dual function.
        """
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            # no bound: the search stays at its best point and reports in the end that it has not converged
            return self._prices, -np.inf
        solution = np.array(self._solver.getSolution().col_value)
        prices = self._prices.copy()
        prices[self._free] = np.maximum(solution[:-1], 0.0) * self._unit
        return prices, float(solution[-1]) * self._size

    def outgrown(self, best: Dual) -> bool:
        """Return whether the best prices have outgrown the scale of the variables."""
        ratio = best.prices[self._free] / self._unit
        return bool(best.bound < self._size / 8 or (ratio > 64).any())

    def _most(self, bound: float) -> Array:
        """Bound the prices: at the optimum, sum_k price_k x capacity_k <= D(optimum) <= D(here)."""
        most: Array = np.minimum(
            bound / np.maximum(self._capacity * self._unit, bound / LARGEST_VARIABLE), LARGEST_VARIABLE
        )
        return most
