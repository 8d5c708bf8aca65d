"""A part of a source file, as large as memory should hold at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.quarantine import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows of a source file, in its order.

    Attributes:
        table: Table with the columns of the file.
        numbers: Shape (n,), number of each row in the file, from 1.
        raw: Position in the table -> the row as it was read, for the quarantine.
        as_read: Columns of the table before any mapping, which identify rows; None if the file lacks one.
        broken: Rows that could not be read at all; they are not in the table.
        bytes_done: Bytes of the file read so far.
        ignored: Number of lines that are no records by the mapping.
    """

    table: pa.Table
    numbers: NDArray[np.int64]
    raw: Callable[[int], object]
    as_read: Callable[[Sequence[str]], list[pa.Array] | None]
    bytes_done: int
    broken: list[Rejection] = field(default_factory=list)
    ignored: int = 0

    @property
    def rows(self) -> int:
        """Readable, broken and ignored rows together."""
        return int(self.table.num_rows) + len(self.broken) + self.ignored


def columns_among(table: pa.Table, names: Sequence[str]) -> list[pa.Array] | None:
    """Return columns of a table that is kept as it was read; None if it lacks one."""
    return [table.column(name) for name in names] if set(names) <= set(table.column_names) else None
