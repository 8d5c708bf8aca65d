"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(cell: T) -> T | str:
    """Prefix a string that a spreadsheet would run as a formula with `'`; return numbers and other strings unchanged.

    Example:
        >>> harmless("=1+1"), harmless("-5"), harmless(-5), harmless("a-b"), harmless(None)
        ("'=1+1", "'-5", -5, 'a-b', None)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_BEGINS_A_FORMULA) else cell
