"""Arithmetic and functions of numbers, and dates without quotes. A result that is not finite is NULL."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from sqlglot import exp

from expressions.operand import Columns, Values, finite
from expressions.types import Array

_YEAR = re.compile(r"(19|20)\d\d")
_DAY_OR_MONTH = re.compile(r"0?[1-9]|[12]\d|3[01]")


def is_date_like(node: exp.Expr) -> bool:
    """Tell whether a calculation looks like a date: year, month and day with minus signs or slashes between them.

    Example:
        >>> from expressions.parsing import parse
        >>> [is_date_like(parse(text)) for text in ("2026-01-31", "31/1/2026", "2026 - age - 1", "30 - 5 - 1")]
        [True, True, False, False]
    """
    if not isinstance(node, exp.Sub | exp.Div) or type(node.this) is not type(node):
        return False
    numbers = [
        part.this if _is_number(part) else "" for part in (node.this.this, node.this.expression, node.expression)
    ]
    first, middle, last = numbers
    if not _DAY_OR_MONTH.fullmatch(middle):
        return False
    year_first = _YEAR.fullmatch(first) and _DAY_OR_MONTH.fullmatch(last)
    return bool(year_first or (_DAY_OR_MONTH.fullmatch(first) and _YEAR.fullmatch(last)))


def _is_number(part: object) -> bool:
    return isinstance(part, exp.Literal) and not part.is_string


def unary(function: Callable[[Array], Array], argument: Values) -> Values:
    """Apply a function of one number."""

    def values(columns: Columns) -> Array:
        return finite(function(argument(columns)))

    return values


def binary(function: Callable[[Array, Array], Array], left: Values, right: Values) -> Values:
    """Apply a function of two numbers."""

    def values(columns: Columns) -> Array:
        return finite(function(left(columns), right(columns)))

    return values


def extreme(function: Callable[[Array, Array], Array], arguments: Sequence[Values]) -> Values:
    """LEAST with `np.fmin`, GREATEST with `np.fmax`, over the known values; NULL if there are none."""

    def values(columns: Columns) -> Array:
        return reduce(function, [argument(columns) for argument in arguments])

    return values


def entropy(arguments: Sequence[Values]) -> Values:
    """ENTROPY of the shares of a total, in bits: 0 if one part has everything, 1 for two equal shares, 2 for four.

    NULL if a part is NULL or negative, or if the total is zero. Source: Shannon (1948),
    doi:10.1002/j.1538-7305.1948.tb01338.x.
    """

    def values(columns: Columns) -> Array:
        parts = [argument(columns) for argument in arguments]
        total = reduce(np.add, parts)
        divisor = np.where(total > 0, total, np.nan)
        bits: Array = np.array(0.0)
        # summed one by one: numpy's own sum depends on the shape, and one customer must give the same as many
        for part in parts:
            share = finite(part / divisor)
            surprise = -np.log2(np.where(share > 0, share, 1.0))
            bits = bits + np.where(share >= 0, share * surprise, np.nan)
        return bits

    return values


def first_known(arguments: Sequence[Values]) -> Values:
    """COALESCE: the first value that is not NULL."""

    def values(columns: Columns) -> Array:
        found = arguments[-1](columns)
        for argument in reversed(arguments[:-1]):
            candidate = argument(columns)
            found = np.where(np.isnan(candidate), found, candidate)
        return found

    return values


def rounded(argument: Values, decimals: int) -> Values:
    """ROUND to decimals (negative for tens, hundreds, ...), halves away from zero."""
    scale = 10.0 ** abs(decimals)

    def values(columns: Columns) -> Array:
        exact = argument(columns)
        if decimals == 0:
            return _round(exact)
        result = _round(exact * scale) / scale if decimals > 0 else _round(exact / scale) * scale
        return np.where(np.isfinite(result), result, exact)

    return values


def _round(exact: Array) -> Array:
    # numpy rounds halves to even; SQL (and people) away from zero
    whole = np.trunc(exact)
    return whole + np.where(np.abs(exact - whole) >= 0.5, np.sign(exact), 0.0)
