"""Hides small counts of a table so that they cannot be computed from what is shown and the table's totals."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMALLEST: Final = 20
"""Counts of fewer customers than this are not shown; 0 is."""

Mask = NDArray[np.bool_]


def hidden_cells(counts: NDArray[np.int64], smallest: int = SMALLEST, possible: Mask | None = None) -> Mask:
    """Return which cells to hide: the small ones, and as few others as it takes to keep them unknown.

    With the sums of all rows and columns known, a hidden cell can be computed if and only if it lies on no cycle of
    hidden cells, each step of which stays in a row or a column (Gusfield 1988). So for every small cell that lies on
    none, the cells of the cheapest way round it are hidden, too.

    Args:
        counts: Counts, shape (r, c).
        smallest: Positive counts below this are small.
        possible: Cells that could be other than 0, shape (r, c); all by default. The others hide nothing.

    Returns:
        Shape (r, c). Where a cell has no way round, such as in a table of one row, all possible cells are hidden.

    Example:
        >>> hidden_cells(np.array([[3, 50, 90], [40, 60, 80], [70, 30, 99]])).astype(int).tolist()
        [[1, 1, 0], [0, 0, 0], [1, 1, 0]]
    """
    free = np.ones(counts.shape, dtype=bool) if possible is None else possible
    hidden: Mask = free & (counts > 0) & (counts < smallest)
    for row, column in np.argwhere(hidden).tolist():
        way = _way_round(counts, hidden, free, row, column)
        if way is None:
            return free.copy()
        for cell in way:
            hidden[cell] = True
    return hidden


def _way_round(
    counts: NDArray[np.int64], hidden: Mask, free: Mask, row: int, column: int
) -> list[tuple[int, int]] | None:
    """Return the cheapest cells that lead from a cell's row to its column without it; None if nothing does."""
    rows = counts.shape[0]
    start, end = row, rows + column
    cost, before, waiting = {start: 0}, {start: start}, [(0, start)]
    while waiting:
        reached, node = heappop(waiting)
        if node == end:
            break
        if reached > cost[node]:
            continue
        for cell, neighbour in _steps(free, rows, node):
            if cell == (row, column):
                continue
            step = reached + (0 if hidden[cell] else int(counts[cell]) + 1)
            if step < cost.get(neighbour, step + 1):
                cost[neighbour], before[neighbour] = step, node
                heappush(waiting, (step, neighbour))
    if end not in before:
        return None
    way, node = [], end
    while node != start:
        one, other = sorted((node, before[node]))
        way.append((one, other - rows))
        node = before[node]
    return way


def _steps(free: Mask, rows: int, node: int) -> Iterable[tuple[tuple[int, int], int]]:
    if node < rows:
        return (((node, column), rows + column) for column in np.flatnonzero(free[node]).tolist())
    return (((row, node - rows), row) for row in np.flatnonzero(free[:, node - rows]).tolist())
