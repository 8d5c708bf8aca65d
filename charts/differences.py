"""Differences with their intervals, as points around zero (a forest plot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts.svg import Scale, element

_WIDTH, _LABELS, _NUMBERS, _ROW = 720.0, 230.0, 170.0, 24.0
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
    """Draw differences from top to bottom, each beside zero; the SVG stands on its own.

    Args:
        rows: The differences.
        description: What the picture shows.

    Example:
        >>> row = Difference(label="all", value=0.1, low=0.05, high=0.15, text="+0.1")
        >>> drawn = differences([row], "AUC")
        >>> 'class="better"' in drawn, "<script" in drawn
        (True, False)
    """
    reach = max((max(abs(row.low), abs(row.high)) for row in rows), default=0.0) or 1.0
    scale = Scale(-reach, reach, _LABELS, _WIDTH - _NUMBERS)
    height = (len(rows) + 1) * _ROW
    parts = [
        element("style", _STYLE),
        element("title", description),
        element("text", description, x=8, y=_ROW - 8),
        element("line", x1=scale(0.0), x2=scale(0.0), y1=_ROW, y2=height, class_="zero"),
    ]
    for number, row in enumerate(rows, start=1):
        middle = number * _ROW + _ROW / 2
        colour = "better" if row.low > 0.0 else "worse" if row.high < 0.0 else "noise"
        parts += [
            element("text", row.label, x=_LABELS - 8, y=middle + 4, text_anchor="end"),
            element("line", x1=scale(row.low), x2=scale(row.high), y1=middle, y2=middle, stroke_width=2, class_=colour),
            element("circle", cx=scale(row.value), cy=middle, r=4, class_=colour),
            element("text", row.text, x=_WIDTH - _NUMBERS + 10, y=middle + 4),
        ]
    size = f"0 0 {_WIDTH:g} {height:g}"
    return element("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=size, role="img", aria_label=description)
