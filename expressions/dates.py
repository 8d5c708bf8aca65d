"""Detect dates without quotes: SQL reads 2026-01-31 as a subtraction with the result 1994."""

from __future__ import annotations

import re

from sqlglot import exp

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
