"""Flows between groups over several moments: a Sankey diagram in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts.bars import picture
from charts.svg import element

WIDTH: Final = 480.0
_HEIGHT, _TOP, _BOTTOM, _GAP, _NODE, _SIDE = 310.0, 6.0, 24.0, 8.0, 9.0, 90.0


@dataclass(frozen=True, slots=True)
class Flow:
    """What moves from a group in one column to a group in the next one.

    Attributes:
        column: Number of the column in which it begins.
        source: Group there.
        target: Group in the next column.
        value: Its thickness.
    """

    column: int
    source: str
    target: str
    value: float


def sankey(
    columns: Sequence[str],
    groups: Sequence[str],
    flows: Sequence[Flow],
    description: str,
    words: Callable[[float], str] = "{:,.0f}".format,
) -> Markup:
    """Draw flows between the groups of columns, which stand for moments from left to right.

    Args:
        columns: Label of each column.
        groups: Groups from top to bottom; colours are numbered in this order.
        flows: The flows; what is hidden is not drawn.
        description: What the picture shows, for screen readers.
        words: Text of a flow's thickness.

    Example:
        >>> "growth" in sankey(["May", "June"], ["growth"], [Flow(0, "growth", "growth", 3.0)], "Stages")
        True
    """
    sizes = _sizes(len(columns), flows)
    largest = max((sum(column.values()) for column in sizes), default=0.0) or 1.0
    unit = (_HEIGHT - _TOP - _BOTTOM - _GAP * max(len(groups) - 1, 0)) / largest
    at = [_SIDE + (WIDTH - 2 * _SIDE - _NODE) * number / max(len(columns) - 1, 1) for number in range(len(columns))]
    tops: list[dict[str, float]] = []
    for column in sizes:
        top, places = _TOP, dict[str, float]()
        for group in groups:
            places[group] = top
            top += column.get(group, 0.0) * unit + (_GAP if column.get(group) else 0.0)
        tops.append(places)
    order = {group: number for number, group in enumerate(groups)}
    out, into = [dict(places) for places in tops], [dict(places) for places in tops]
    parts = []
    for flow in sorted(flows, key=lambda one: (one.column, order[one.source], order[one.target])):
        thick = flow.value * unit
        left, right = out[flow.column][flow.source], into[flow.column + 1][flow.target]
        out[flow.column][flow.source] += thick
        into[flow.column + 1][flow.target] += thick
        x1, x2 = at[flow.column] + _NODE, at[flow.column + 1]
        said = f"{columns[flow.column]}, {flow.source} → {flow.target}: {words(flow.value)}"
        colour = f"flow fill-{order[flow.source] + 1}"
        parts.append(element("path", element("title", said), d=_band(x1, left, x2, right, thick), class_=colour))
    for number, column in enumerate(sizes):
        for group, size in column.items():
            top = tops[number][group]
            colour = f"fill-{order[group] + 1}"
            parts.append(element("rect", x=at[number], y=top, width=_NODE, height=max(size * unit, 1.0), class_=colour))
        parts.append(
            element(
                "text", columns[number], x=at[number] + _NODE / 2, y=_HEIGHT - 6, text_anchor="middle", class_="axis"
            )
        )
    for number, x, anchor in ((0, _SIDE - 6, "end"), (len(columns) - 1, WIDTH - _SIDE + 6, "start")):
        lowest = 0.0
        for group in groups if columns else ():
            if sizes[number].get(group):
                # small groups beside each other keep their labels apart
                lowest = max(tops[number][group] + sizes[number][group] * unit / 2 + 4, lowest + 13)
                parts.append(element("text", group, x=x, y=lowest, text_anchor=anchor, class_="label"))
    return picture(parts, WIDTH, _HEIGHT, description)


def _sizes(columns: int, flows: Sequence[Flow]) -> list[Mapping[str, float]]:
    """Return the size of each group in each column: what comes in or goes out, whichever is more."""
    out: list[dict[str, float]] = [{} for _ in range(columns)]
    into: list[dict[str, float]] = [{} for _ in range(columns)]
    for flow in flows:
        out[flow.column][flow.source] = out[flow.column].get(flow.source, 0.0) + flow.value
        into[flow.column + 1][flow.target] = into[flow.column + 1].get(flow.target, 0.0) + flow.value
    return [
        {group: max(gone.get(group, 0.0), come.get(group, 0.0)) for group in {**gone, **come}}
        for gone, come in zip(out, into, strict=True)
    ]


def _band(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"L{x2:.1f} {y2 + thick:.1f}C{middle:.1f} {y2 + thick:.1f} {middle:.1f} {y1 + thick:.1f} {x1:.1f} "
        f"{y1 + thick:.1f}Z"
    )
