"""A compiled part of an expression: its type, the columns it reads, and how its values are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, Boolean, Category, ColumnType, Number

Columns = Mapping[str, Any]
"""Name -> column: an array or a single number; anything that numpy converts to float64."""
Mask = NDArray[np.bool_]
Truth = tuple[Mask, Mask]
"""Masks of where a condition is TRUE and where it is FALSE; it is NULL where neither is set."""
Values = Callable[[Columns], Array]


class Checked(dict[str, Any]):
    """Columns that the caller guarantees to be float64 arrays without infinities, so that they are not converted."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How to compute the truth of a condition.

    Attributes:
        both: Columns -> where TRUE and where FALSE.
        true: Columns -> where TRUE; less work than both.
        false: Columns -> where FALSE.
    """

    both: Callable[[Columns], Truth]
    true: Callable[[Columns], Mask]
    false: Callable[[Columns], Mask]

    @classmethod
    def of(cls, both: Callable[[Columns], Truth]) -> Condition:
        """Make a condition for which one mask costs as much as both."""
        return cls(both, lambda columns: both(columns)[0], lambda columns: both(columns)[1])


@dataclass(frozen=True, slots=True)
class Operand:
    """A compiled part of an expression.

    Attributes:
        type: None for a bare NULL, which fits every type.
        names: Columns it reads; none for a constant.
        values: Columns -> float64 with NaN for NULL, never infinite.
        truth: Where TRUE and where FALSE; only for conditions.
        literal: The text of a text literal; otherwise None.
    """

    type: ColumnType | None
    names: frozenset[str]
    values: Values
    truth: Condition | None = None
    literal: str | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the value is the same for every row."""
        return not self.names

    def condition(self) -> Condition:
        """Return the truth of an operand that is known to be a condition or a bare NULL."""
        return self.truth if self.truth is not None else _NEVER


def number(names: frozenset[str], values: Values) -> Operand:
    """Make a number; a constant is computed once, here."""
    return Operand(Number(), names, values if names else _constant(values))


def boolean(names: frozenset[str], truth: Condition) -> Operand:
    """Make a condition; a constant is computed once, here."""
    if not names:
        with np.errstate(all="ignore"):
            known = truth.both({})
        constant = Condition(lambda _: known, lambda _: known[0], lambda _: known[1])
        return Operand(Boolean(), names, _constant(lambda _: truth_values(known)), constant)
    return Operand(Boolean(), names, lambda columns: truth_values(truth.both(columns)), truth)


def of_type(kind: ColumnType, names: frozenset[str], values: Values) -> Operand:
    """Make an operand of any type from its values."""
    if isinstance(kind, Boolean):
        return boolean(names, _values_condition(values))
    return Operand(kind, names, values if names else _constant(values))


def column(name: str, kind: ColumnType) -> Operand:
    """Read a column; values that are not finite become NULL."""
    names = frozenset((name,))

    def values(columns: Columns) -> Array:
        found = columns[name]
        return found if isinstance(columns, Checked) else finite(np.asarray(found, dtype=np.float64))

    if isinstance(kind, Boolean):
        return boolean(names, _values_condition(values))
    return Operand(kind, names, values)


def text(value: str) -> Operand:
    """Make an operand from a text literal."""
    return Operand(Category((value,)), frozenset(), lambda _: _FIRST, literal=value)


def null() -> Operand:
    """Make an operand from a bare NULL."""
    return Operand(None, frozenset(), lambda _: _NULL, _NEVER)


def finite(values: Array) -> Array:
    """Replace infinities with NaN, which is NULL."""
    return np.where(np.isfinite(values), values, np.nan)


def truth_values(truth: Truth) -> Array:
    """Convert the masks of a condition to 1.0, 0.0 and NaN.

    Example:
        >>> truth_values((np.array([True, False, False]), np.array([False, True, False])))
        array([ 1.,  0., nan])
    """
    true, false = truth
    return np.where(true, 1.0, np.where(false, 0.0, np.nan))


def _values_condition(values: Values) -> Condition:
    """Make a condition from values of 1.0, 0.0 and NaN."""

    def both(columns: Columns) -> Truth:
        known = values(columns)
        return known == 1.0, known == 0.0

    return Condition(both, lambda columns: values(columns) == 1.0, lambda columns: values(columns) == 0.0)


_FIRST = np.array(0.0)
_NULL = np.array(np.nan)
_NOWHERE = np.array(False)


_NEVER = Condition(lambda _: (_NOWHERE, _NOWHERE), lambda _: _NOWHERE, lambda _: _NOWHERE)


def _constant(values: Values) -> Values:
    with np.errstate(all="ignore"):
        known = values({})
    return lambda _: known
