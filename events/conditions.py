"""Conditions on the columns of a row, asked before anything else of the row is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.spec import Spec
from events.numbers import Marks
from events.texts import Coded


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Spec):
    """A condition on one column of a row; it holds if everything that is given holds.

    Values are compared as they are in the file, trimmed. A blank field fulfils only `blank: true` and `none_of`.

    Attributes:
        column: Column of the file.
        any_of: The value is one of these.
        none_of: The value is none of these.
        blank: true if the field has to be blank, false if it has to be filled.
        above: The value is a number greater than this.
        below: The value is a number smaller than this.
    """

    column: str
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    blank: bool | None = None
    above: float | None = None
    below: float | None = None

    @property
    def asks_nothing(self) -> bool:
        """Whether every row fulfils it."""
        return not (self.any_of or self.none_of) and self.blank is self.above is self.below is None

    def holds(self, text: str | None, marks: Marks) -> bool:
        """Return whether a field fulfils it.

        Example:
            >>> debit, marks = Condition(column="amount", below=0), Marks(",", ".")
            >>> debit.holds("-12,50", marks), debit.holds("12,50", marks), debit.holds(None, marks)
            (True, False, False)
        """
        if self.blank is not None and self.blank != (text is None):
            return False
        if self.any_of and text not in self.any_of:
            return False
        if text in self.none_of:
            return False
        if self.above is None and self.below is None:
            return True
        number = None if text is None else marks.number(text)
        if number is None:
            return False
        return (self.above is None or number > self.above) and (self.below is None or number < self.below)


def rows_where(
    conditions: Sequence[Condition], column: Callable[[str], pa.Array], marks: Callable[[str], Marks], count: int
) -> NDArray[np.bool_]:
    """Return the rows that fulfil all conditions.

    Args:
        conditions: Conditions; none for all rows.
        column: Returns a column as texts, null if blank.
        marks: Returns the marks of a column's numbers.
        count: Number of rows.

    Returns:
        Shape (count,).
    """
    rows = np.ones(count, dtype=bool)
    for condition in conditions:
        coded, how = Coded.of(column(condition.column)), marks(condition.column)
        fulfilled = [condition.holds(value, how) for value in coded.values]
        rows &= np.array([*fulfilled, condition.holds(None, how)])[coded.codes]  # code -1, for null, is the last entry
    return rows
