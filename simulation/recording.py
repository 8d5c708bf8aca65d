"""Recorder of simulated rows, column by column, until they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]


class Recorder:
    """A table that grows by blocks of rows.

    Args:
        columns: Name -> numpy type.

    Example:
        >>> recorder = Recorder({"customer": "i4", "kind": "i1"})
        >>> recorder.add(customer=np.array([3, 4]), kind=1)
        >>> recorder.columns()["kind"].tolist()
        [1, 1]
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._types = {name: np.dtype(kind) for name, kind in columns.items()}
        self._blocks: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
        self.rows = 0

    def add(self, **values: object) -> None:
        """Add rows; the first column gives their number, and single values are repeated."""
        if values.keys() != self._types.keys():
            raise ValueError(f"columns {sorted(values)} given, {sorted(self._types)} expected")
        length = len(np.asarray(values[next(iter(self._types))]))
        if length == 0:
            return
        for name, kind in self._types.items():
            self._blocks[name].append(np.broadcast_to(np.asarray(values[name], dtype=kind), (length,)))
        self.rows += length

    def columns(self) -> Columns:
        """Concatenate the blocks of each column."""
        return {
            name: np.concatenate(blocks) if blocks else np.empty(0, self._types[name])
            for name, blocks in self._blocks.items()
        }
