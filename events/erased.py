"""Keeps events of erased customers out of the log: those that occurred before the erasure do not come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.schema import one_chunk


class Erased(Protocol):
    """Knows which customers were erased."""

    def __len__(self) -> int:
        """Return the number of erased customers."""

    def until(self, customer_ids: Sequence[str], /) -> NDArray[np.int64]:
        """Return the moment of each customer's erasure, UTC microseconds; -1 for those who were not erased."""


class Nobody:
    """The case that no customer was erased."""

    def __len__(self) -> int:
        return 0

    def until(self, customer_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return -1 for each customer."""
        return np.full(len(customer_ids), -1, dtype=np.int64)


def kept_rows(events: pa.Table, erased: Erased) -> NDArray[np.int64]:
    """Return the rows whose customers were not erased, or whose events occurred after the erasure.

    Args:
        events: Columns of `events.schema.SCHEMA`.
        erased: Erased customers.
    """
    if not len(events) or not len(erased):
        return np.arange(len(events), dtype=np.int64)
    customers = one_chunk(events["customer_id"]).dictionary_encode()
    until = erased.until(customers.dictionary.to_pylist())[customers.indices.to_numpy()]
    occurred = one_chunk(events["occurred_at"]).cast(pa.int64()).to_numpy()
    kept: NDArray[np.int64] = np.flatnonzero(occurred > until)
    return kept
