"""A compiled part of an expression: its type, the columns it reads, and how its values are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, Boolean, Category, ColumnType, Number

Columns = Mapping[str, Any]
"""Name -> column; whatever numpy makes float64 of, arrays or single numbers."""
Mask = NDArray[np.bool_]
Truth = tuple[Mask, Mask]
"""Where a condition is TRUE, and where it is FALSE; it is NULL where it is neither."""
Values = Callable[[Columns], Array]
TruthOf = Callable[[Columns], Truth]


@dataclass(frozen=True, slots=True)
class Operand:
    """A compiled part.

    Attributes:
        type: None for a bare NULL, which fits every type.
        names: Columns it reads; none for a constant.
        values: Columns -> float64 with NaN for NULL, never infinite.
        truth: Columns -> where TRUE and where FALSE; only of conditions.
        literal: The text, where it is a text written in the expression.
    """

    type: ColumnType | None
    names: frozenset[str]
    values: Values
    truth: TruthOf | None = None
    literal: str | None = None

    @property
    def is_constant(self) -> bool:
        """Whether it is the same for every row."""
        return not self.names

    def condition(self) -> TruthOf:
        """Give the truth of an operand that is known to be a condition, or a bare NULL."""
        return self.truth if self.truth is not None else _never


def number(names: frozenset[str], values: Values) -> Operand:
    """Make a number; a constant one is computed here, once."""
    return Operand(Number(), names, values if names else _constant(values))


def boolean(names: frozenset[str], truth: TruthOf) -> Operand:
    """Make a condition; a constant one is computed here, once."""
    if not names:
        with np.errstate(all="ignore"):
            known = truth({})
        return Operand(Boolean(), names, _constant(lambda _: truth_values(known)), lambda _: known)
    return Operand(Boolean(), names, lambda columns: truth_values(truth(columns)), truth)


def of_type(kind: ColumnType, names: frozenset[str], values: Values) -> Operand:
    """Make an operand of any type from its values."""
    if isinstance(kind, Boolean):
        return boolean(names, lambda columns: values_truth(values(columns)))
    return Operand(kind, names, values if names else _constant(values))


def column(name: str, kind: ColumnType) -> Operand:
    """Read a column; what is not finite in it is NULL."""
    names = frozenset((name,))
    if isinstance(kind, Boolean):
        return boolean(names, lambda columns: values_truth(np.asarray(columns[name], dtype=np.float64)))
    return Operand(kind, names, lambda columns: finite(np.asarray(columns[name], dtype=np.float64)))


def text(value: str) -> Operand:
    """Make an operand of a text written in the expression."""
    return Operand(Category((value,)), frozenset(), lambda _: _FIRST, literal=value)


def null() -> Operand:
    """Make the operand of a bare NULL."""
    return Operand(None, frozenset(), lambda _: _NULL, _never)


def finite(values: Array) -> Array:
    """Make NULL of what is not a number: infinities, and what has no value at all."""
    return np.where(np.isfinite(values), values, np.nan)


def truth_values(truth: Truth) -> Array:
    """Write a condition as 1.0, 0.0 and NaN.

    Example:
        >>> truth_values((np.array([True, False, False]), np.array([False, True, False])))
        array([ 1.,  0., nan])
    """
    true, false = truth
    return np.where(true, 1.0, np.where(false, 0.0, np.nan))


def values_truth(values: Array) -> Truth:
    """Read a column of 1.0, 0.0 and NaN as a condition."""
    return values == 1.0, values == 0.0


_FIRST = np.array(0.0)
_NULL = np.array(np.nan)
_NOWHERE = np.array(False)


def _never(columns: Columns) -> Truth:
    return _NOWHERE, _NOWHERE


def _constant(values: Values) -> Values:
    with np.errstate(all="ignore"):
        known = values({})
    return lambda _: known
