"""Small bars and intervals in the cells of tables; the number stands beside them, so they are hidden from readers."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup

from charts.svg import Scale, element

WIDTH: Final = 100.0
_HEIGHT: Final = 12.0


def bar(value: float | None, largest: float) -> Markup:
    """Return a bar whose full length is the largest value; empty for None."""
    if value is None or largest <= 0:
        return Markup()
    length = Scale(0.0, largest, 0.0, WIDTH)(max(0.0, value))
    return _drawn(element("rect", x=0, y=2.0, width=length, height=_HEIGHT - 4, rx=2, class_="fill-1"))


def interval(
    value: float | None, low: float | None, high: float | None, largest: float, smallest: float = 0.0
) -> Markup:
    """Return a point with its interval, on a line from the smallest bound to the largest; empty for None.

    Args:
        value: The point.
        low: Lower bound.
        high: Upper bound.
        largest: Largest bound of the column.
        smallest: Smallest bound of the column; below 0 a mark shows where 0 is.
    """
    if value is None or low is None or high is None or largest <= smallest:
        return Markup()
    scale = Scale(smallest, largest, 2.0, WIDTH - 2.0)
    middle = _HEIGHT / 2
    zero = {"x1": scale(0.0), "x2": scale(0.0), "y1": 0.0, "y2": _HEIGHT}
    return _drawn(
        *([element("line", **zero, class_="zero")] if smallest < 0.0 else []),
        element("line", x1=scale(low), x2=scale(high), y1=middle, y2=middle, class_="whisker"),
        element("circle", cx=scale(value), cy=middle, r=3.5, class_="fill-1"),
    )


def _drawn(*content: Markup) -> Markup:
    options: dict[str, Any] = {"viewBox": f"0 0 {WIDTH:g} {_HEIGHT:g}", "aria_hidden": "true", "class_": "cell-chart"}
    return element("svg", *content, width=int(WIDTH), height=int(_HEIGHT), **options)
