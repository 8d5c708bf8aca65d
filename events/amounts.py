"""Reads amounts as sources write them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.numbers import Marks
from events.schema import LARGEST_AMOUNT, rounded_amounts
from events.texts import texts_of


@dataclass(frozen=True, slots=True)
class Amounts:
    """A column of amounts.

    Attributes:
        values: float64, rounded to 4 decimals; null if missing or unfit.
        unreadable: Shape (n,), rows with a value that is no number.
        beyond: Shape (n,), rows whose number is infinite or beyond 1e11.
        written: The column as it was read.
    """

    values: pa.Array
    unreadable: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    written: pa.Array

    def text(self, row: int) -> str:
        """Return the text of a row as it was read."""
        return str(self.written[row].as_py())

    def reversed(self) -> Amounts:
        """Return the amounts with the opposite sign."""
        return replace(self, values=pc.negate(self.values))


def signed(amounts: Amounts, negative: NDArray[np.bool_], positive: NDArray[np.bool_]) -> Amounts:
    """Give the sizes of amounts a sign; an amount with neither sign becomes unreadable.

    Example:
        >>> read = amounts_of(pa.array(["12.50", "12.50", "12.50", None]), Marks())
        >>> debit, credit = np.array([True, False, False, False]), np.array([False, True, False, False])
        >>> found = signed(read, debit, credit)
        >>> found.values.to_pylist(), found.unreadable.tolist()
        ([-12.5, 12.5, None, None], [False, False, True, False])
    """
    size = pc.abs(amounts.values)
    neither = ~(negative | positive) & np.asarray(amounts.values.is_valid())
    values = pc.if_else(pa.array(negative), pc.negate(size), pc.if_else(pa.array(positive), size, None))
    return replace(amounts, values=values, unreadable=amounts.unreadable | neither)


def amounts_of(column: pa.Array, marks: Marks) -> Amounts:
    """Read numbers, or texts of numbers with the marks that their source declares.

    In floating columns NaN means missing, by convention; written out in a text it is no number.

    Example:
        >>> amounts = amounts_of(pa.array(["12.50", None, "1,5", "inf"]), Marks())
        >>> amounts.values.to_pylist(), amounts.unreadable.tolist(), amounts.beyond.tolist()
        ([12.5, None, None, None], [False, False, True, False], [False, False, False, True])
    """
    kind = column.type
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if numeric:
        values = column.cast(pa.float64(), safe=False)
        missing = np.asarray(values.is_null(nan_is_null=True))
        numbers = values.fill_null(np.nan).to_numpy(zero_copy_only=False)
        unreadable = np.zeros(len(column), dtype=bool)
    else:
        texts = texts_of(column)
        missing = np.asarray(texts.is_null())
        numbers = marks.numbers(texts).fill_null(np.nan).to_numpy(zero_copy_only=False)
        unreadable = np.isnan(numbers) & ~missing
    beyond = ~missing & ~unreadable & ~(np.abs(numbers) <= LARGEST_AMOUNT)
    none = missing | unreadable | beyond
    kept = pa.array(np.where(none, 0.0, numbers), pa.float64(), mask=none)
    return Amounts(rounded_amounts(kept), unreadable, beyond, column)
