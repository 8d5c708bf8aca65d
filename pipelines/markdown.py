"""Rows as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def table(rows: Rows) -> list[str]:
    """Format rows as a Markdown table.

    Example:
        >>> table([{"stage": "growth", "customers": 1200}])
        ['| stage | customers |', '|---|---|', '| growth | 1,200 |']
    """
    if not rows:
        return ["Nothing."]
    names = list(rows[0])
    return [
        f"| {' | '.join(names)} |",
        "|" + "---|" * len(names),
        *(f"| {' | '.join(cell(row[name]) for name in names)} |" for row in rows),
    ]


def cell(value: object) -> str:
    """Format a value: thousands separated, about three significant digits, empty for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
