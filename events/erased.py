"""Customers who were erased: what occurred by then does not come into the log again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.schema import one_chunk


class Erased(Protocol):
    """Knows who was erased."""

    def __len__(self) -> int:
        """Number of customers who were."""

    def until(self, customer_ids: Sequence[str], /) -> NDArray[np.int64]:
        """Say by when each customer was erased, microseconds UTC; -1 for those who were not."""


class Nobody:
    """Nobody was erased."""

    def __len__(self) -> int:
        return 0

    def until(self, customer_ids: Sequence[str]) -> NDArray[np.int64]:
        """Say so of each."""
        return np.full(len(customer_ids), -1, dtype=np.int64)


def kept_rows(events: pa.Table, erased: Erased) -> NDArray[np.int64]:
    """Find the rows of events that are not an erased customer's, or occurred after the erasure.

    Args:
        events: Columns of `events.schema.SCHEMA`.
        erased: Who was.
    """
    if not len(events) or not len(erased):
        return np.arange(len(events), dtype=np.int64)
    customers = one_chunk(events["customer_id"]).dictionary_encode()
    until = erased.until(customers.dictionary.to_pylist())[customers.indices.to_numpy()]
    occurred = one_chunk(events["occurred_at"]).cast(pa.int64()).to_numpy()
    kept: NDArray[np.int64] = np.flatnonzero(occurred > until)
    return kept
