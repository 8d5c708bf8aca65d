"""Horizontal bars with their numbers, and points with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts.svg import Scale, element, text_width

WIDTH: Final = 480.0
_LABELS, _MOST_LABELS, _NUMBERS, _ROW = 172.0, 240.0, 112.0, 24.0
_BESIDE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar.

    Attributes:
        label: What it is about, at its left.
        value: Its length; None draws no bar.
        text: The number, at its right.
        colour: Number of the colour, 1 to 6; 0 for grey.
        low: Lower bound of an interval.
        high: Upper bound of an interval; drawn if both bounds are known.
    """

    label: str
    value: float | None
    text: str
    colour: int = 1
    low: float | None = None
    high: float | None = None


def bars(rows: Sequence[Bar], description: str, largest: float | None = None) -> Markup:
    """Draw bars from 0 to the largest value.

    Args:
        rows: The bars, from top to bottom.
        description: What the picture shows, for screen readers.
        largest: Value of a bar of full length; by default the largest one.

    Example:
        >>> drawn = bars([Bar(label="app", value=3.0, text="3")], "Contacts by channel")
        >>> "app" in drawn and "<script" not in drawn
        True
    """
    known = [max(row.high or 0.0, row.value or 0.0) for row in rows]
    widest = max((text_width(row.label) for row in rows), default=0.0)
    left = min(max(_LABELS, widest + _BESIDE), _MOST_LABELS)
    scale = Scale(0.0, largest or max(known, default=0.0) or 1.0, left, WIDTH - _NUMBERS)
    parts = []
    for number, row in enumerate(rows):
        top, middle = number * _ROW, number * _ROW + _ROW / 2
        parts.append(element("text", row.label, x=left - _BESIDE, y=middle + 4, text_anchor="end", class_="label"))
        end = left
        if row.value is not None:
            end = scale(max(row.value, 0.0))
            kind = f"fill-{row.colour}"
            width = max(end - left, 1.0)
            parts.append(element("rect", x=left, y=top + 5, width=width, height=_ROW - 10, rx=2, class_=kind))
        if row.low is not None and row.high is not None:
            low, end = scale(max(row.low, 0.0)), scale(row.high)
            parts.append(element("line", x1=low, x2=end, y1=middle, y2=middle, class_="whisker"))
        parts.append(element("text", row.text, x=end + 6, y=middle + 4, class_="number"))
    return picture(parts, WIDTH, max(len(rows), 1) * _ROW, description)


def picture(parts: Sequence[Markup], width: float, height: float, description: str) -> Markup:
    """Return a picture of the whole width, with its description for screen readers."""
    size = f"0 0 {width:g} {height:g}"
    return element(
        "svg", element("title", description), *parts, viewBox=size, role="img", class_="chart", aria_label=description
    )
