"""Gains of groups with their intervals, as pictures and as cells of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from charts.differences import Difference, differences_in_page
from console.languages import Texts

Row = Mapping[str, Any]


def drawn(gains: Sequence[tuple[str, Row]], title: str, texts: Texts, digits: int = 2) -> Markup | None:
    """Draw gains with their intervals beside each other; None where there are not two, for the table draws each."""
    rows = [
        Difference(
            label=name, value=gain["value"], low=gain["low"], high=gain["high"], text=texts.gain(gain["value"], digits)
        )
        for name, gain in gains
        if gain["low"] is not None
    ]
    return differences_in_page(rows, title) if len(rows) > 1 else None


def cells_of(name: str, estimate: Row | None) -> dict[str, float | None]:
    """Return value and bounds of an estimate under a name; None for what is unknown."""
    known = estimate or {}
    return {name: known.get("value"), f"{name}_low": known.get("low"), f"{name}_high": known.get("high")}
