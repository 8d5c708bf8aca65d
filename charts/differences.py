"""Differences with their intervals, as points around zero (a forest plot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts.bars import WIDTH, picture
from charts.svg import Scale, element, text_width

_WIDTH, _LABELS, _NUMBERS, _ROW = 720.0, 230.0, 170.0, 24.0
_MOST_LABELS, _BESIDE = 170.0, 8.0
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#222}.zero{stroke:#999;stroke-dasharray:3 3}"
    ".noise{stroke:#888;fill:#888}.better{stroke:#1a7f4b;fill:#1a7f4b}.worse{stroke:#b3261e;fill:#b3261e}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference; positive is better.

    Attributes:
        label: What it is about, at its left.
        low: Lower bound of its interval.
        high: Upper bound of its interval.
        text: The number, at its right.
    """

    label: str
    value: float
    low: float
    high: float
    text: str


def differences(rows: Sequence[Difference], description: str) -> Markup:
    """Draw differences from top to bottom, each beside zero; the SVG stands on its own, with its heading and colours.

    Args:
        rows: The differences.
        description: What the picture shows.

    Example:
        >>> row = Difference(label="all", value=0.1, low=0.05, high=0.15, text="+0.1")
        >>> drawn = differences([row], "AUC")
        >>> 'class="better"' in drawn, "<script" in drawn
        (True, False)
    """
    height = (len(rows) + 1) * _ROW
    parts = [
        element("style", _STYLE),
        element("title", description),
        element("text", description, x=8, y=_ROW - 8),
        *_drawn(rows, _LABELS, _WIDTH - _NUMBERS, _ROW),
    ]
    size = f"0 0 {_WIDTH:g} {height:g}"
    return element("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=size, role="img", aria_label=description)


def differences_in_page(rows: Sequence[Difference], description: str) -> Markup:
    """Draw differences for a page, whose style sheet colours them.

    Example:
        >>> row = Difference(label="all", value=0.1, low=0.05, high=0.15, text="+0.1")
        >>> 'class="chart"' in differences_in_page([row], "Gain of each group")
        True
    """
    left = min(max(text_width(row.label) for row in rows), _MOST_LABELS) + _BESIDE if rows else _BESIDE
    right = WIDTH - max((text_width(row.text) for row in rows), default=0.0) - _BESIDE
    return picture(_drawn(rows, left, right, 0.0), WIDTH, max(len(rows), 1) * _ROW, description)


def _drawn(rows: Sequence[Difference], left: float, right: float, top: float) -> list[Markup]:
    reach = max((max(abs(row.low), abs(row.high)) for row in rows), default=0.0) or 1.0
    scale = Scale(-reach, reach, left, right)
    zero = {"x1": scale(0.0), "x2": scale(0.0), "y1": top, "y2": top + len(rows) * _ROW}
    parts = [element("line", **zero, class_="zero")]
    for number, row in enumerate(rows):
        middle = top + number * _ROW + _ROW / 2
        colour = "better" if row.low > 0.0 else "worse" if row.high < 0.0 else "noise"
        parts += [
            element("text", row.label, x=left - _BESIDE, y=middle + 4, text_anchor="end", class_="label"),
            element("line", x1=scale(row.low), x2=scale(row.high), y1=middle, y2=middle, stroke_width=2, class_=colour),
            element("circle", cx=scale(row.value), cy=middle, r=4, class_=colour),
            element("text", row.text, x=right + _BESIDE, y=middle + 4, class_="number"),
        ]
    return parts
