"""Types of named columns. Every column is a float64 array: NaN is NULL, whatever the type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """Yes (1.0) or no (0.0)."""


@dataclass(frozen=True, slots=True)
class Category:
    """One of a few names, stored as its position in `values` (0.0, 1.0, ...).

    Example:
        >>> Category(("low", "high")).code("high")
        1.0
    """

    values: tuple[str, ...]

    def code(self, value: str) -> float:
        """Return the position of a value; NaN if it is not one of `values`."""
        return float(self.values.index(value)) if value in self.values else float("nan")


ColumnType = Number | Boolean | Category
Schema = Mapping[str, ColumnType]
