"""Parts of a whole over time, stacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from charts.bars import picture
from charts.marks import marks
from charts.svg import Scale, element, path, text_width, ticks

WIDTH: Final = 480.0
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 250.0, 54.0, 92.0, 10.0, 24.0
_TOP_WITH_MARKS: Final = 24.0
_MOST_LABELS: Final = 5
_BETWEEN = 10.0


def stacked_areas(
    times: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    description: str,
    words: Callable[[float], str] = "{:,.0f}".format,
    marked: Mapping[int, Sequence[int]] | None = None,
) -> Markup:
    """Draw series on top of each other; a hidden number is drawn as 0.

    Args:
        times: Label of each time, shape (n,).
        series: Name -> numbers, shape (n,), from the bottom; colours are numbered in this order.
        description: What the picture shows, for screen readers.
        words: Text of a number on the axis.
        marked: Place of a time -> numbers of the marks that stand there.

    Example:
        >>> "growth" in stacked_areas(["May", "June"], {"growth": [1, 2]}, "Customers by stage")
        True
    """
    top = _TOP if not marked else _TOP_WITH_MARKS
    totals = [sum((numbers[place] or 0.0) for numbers in series.values()) for place in range(len(times))]
    levels = ticks(max(totals, default=0.0))
    across = Scale(0, max(len(times) - 1, 1), _LEFT, WIDTH - _RIGHT)
    up = Scale(0.0, levels[-1], _HEIGHT - _BOTTOM, top)
    parts = []
    for level in levels:
        parts.append(element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=up(level), y2=up(level), class_="tick"))
        parts.append(element("text", words(level), x=_LEFT - 6, y=up(level) + 4, text_anchor="end", class_="axis"))
    below = [0.0] * len(times)
    labelled = _HEIGHT
    for colour, (name, numbers) in enumerate(series.items(), start=1):
        above = [base + (number or 0.0) for base, number in zip(below, numbers, strict=True)]
        outline = [(across(place), up(value)) for place, value in enumerate(above)]
        outline += [(across(place), up(below[place])) for place in reversed(range(len(times)))]
        if times:
            parts.append(element("path", d=path(outline) + "Z", class_=f"fill-{colour}"))
            # labels at the right keep their distance
            labelled = min(up((above[-1] + below[-1]) / 2) + 4, labelled - 14)
            parts.append(element("text", name, x=WIDTH - _RIGHT + 8, y=labelled, class_=f"label ink-{colour}"))
        below = above
    for place in range(0, len(times), max(1, -(-len(times) // _labels(times)))):
        x, y = across(place), _HEIGHT - 6
        parts.append(element("text", times[place], x=x, y=y, text_anchor="middle", class_="axis"))
    parts += marks({across(place): here for place, here in (marked or {}).items()}, top - 4, _HEIGHT - _BOTTOM)
    return picture(parts, WIDTH, _HEIGHT, description)


def _labels(times: Sequence[str]) -> int:
    """Return how many labels fit below the picture beside each other."""
    widest = max(map(text_width, times), default=1.0)
    return max(1, min(_MOST_LABELS, int((WIDTH - _LEFT - _RIGHT) / (widest + _BETWEEN))))
