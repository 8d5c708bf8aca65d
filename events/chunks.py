"""A part of a source file, as large as memory should hold at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.quarantine import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows of a source file, in its order.

    Attributes:
        table: Columns as the file names them.
        numbers: Shape (n,): number of each row in the file, from 1.
        raw: Position in the table -> the row as it was read, for the quarantine.
        broken: Rows that could not be read at all; they are not in the table.
        bytes_done: How far into the file reading has come.
    """

    table: pa.Table
    numbers: NDArray[np.int64]
    raw: Callable[[int], object]
    bytes_done: int
    broken: list[Rejection] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Readable and broken rows together."""
        return int(self.table.num_rows) + len(self.broken)
