"""Consumption of the chosen candidates, and the keys that break ties between customers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.ledger import Ledger, Units
from decisioning.allocation.problem import CustomerChunk, Keys

Choices = NDArray[np.int32]
"""Positions of candidates, -1 for none."""


def units_taken(
    chunk: CustomerChunk, rows: NDArray[np.intp], candidates: Choices | NDArray[np.intp], ledger: Ledger
) -> Units:
    """Return what each of these rows consumes with its candidate, in units: shape (K, r)."""
    units = np.empty((len(chunk.consumption), len(rows)), dtype=np.int64)
    for resource, amounts in enumerate(chunk.consumption):
        if amounts.ndim == 1:
            units[resource] = ledger.units(resource, amounts)[candidates]
        else:
            units[resource] = ledger.units(resource, amounts[rows, candidates])
    return units


def keys_of(chunk: CustomerChunk, start: int) -> Keys:
    """Return the customers' keys, or their positions if there are none: shape (n,)."""
    return np.arange(start, start + len(chunk), dtype=np.uint64) if chunk.keys is None else chunk.keys
