"""A chart over time: a rate with its interval above, counts as bars below, days too young to count in grey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from charts.marks import marks
from charts.svg import Scale, element, path, ticks
from console.languages import Texts

WIDE: Final = 860.0
NARROW: Final = 350.0
_LEFT, _RIGHT = 46.0, 10.0
_RATE: Final = (22.0, 150.0)
_COUNT: Final = (176.0, 236.0)
_HEIGHT: Final = 262.0
_PER_LABEL: Final = 84.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A day, or a longer stretch that begins with it.

    Attributes:
        day: First day.
        count: Number of events.
        rate: Rate; None if there is nothing to divide by.
        low: Lower bound of the rate.
        high: Upper bound of the rate.
        young: Whether it is too young to count; then the rate is not drawn.
    """

    day: date
    count: int
    rate: float | None
    low: float | None
    high: float | None
    young: bool = False


def time_chart(points: Sequence[Point], marked: Mapping[int, Sequence[int]], texts: Texts) -> Markup:
    """Draw the chart twice, for a wide and for a narrow screen; the style sheet shows one of them.

    Args:
        points: Days in order, or longer stretches.
        marked: Place of a point -> numbers of the marks that stand there.
        texts: Messages and formats of the page's language.
    """
    return Markup().join(_drawn(points, marked, texts, width) for width in (WIDE, NARROW))


def _drawn(points: Sequence[Point], marked: Mapping[int, Sequence[int]], texts: Texts, width: float) -> Markup:
    step = (width - _LEFT - _RIGHT) / max(1, len(points))
    middles = [_LEFT + step * (number + 0.5) for number in range(len(points))]
    parts = [
        *_young(points, middles, step, texts),
        *_rates(points, middles, texts, width),
        *_counts(points, middles, step, texts, width),
        *_days(points, middles, texts),
        *marks({middles[place]: numbers for place, numbers in marked.items()}, _RATE[0] - 4, _COUNT[1]),
    ]
    size = {"viewBox": f"0 0 {width:g} {_HEIGHT:g}"}
    return element("svg", *parts, class_="chart " + ("wide" if width == WIDE else "narrow"), aria_hidden="true", **size)


def _young(points: Sequence[Point], middles: list[float], step: float, texts: Texts) -> list[Markup]:
    first = next((number for number, point in enumerate(points) if point.young), None)
    if first is None:
        return []
    left, right = middles[first] - step / 2, middles[-1] + step / 2
    shade = element("rect", x=left, y=_RATE[0], width=right - left, height=_COUNT[1] - _RATE[0], class_="young")
    anchor, at = ("start", left + 4) if right - left > 2 * _PER_LABEL else ("end", right)
    return [
        shade,
        element("text", texts("too young to count"), x=at, y=_RATE[0] + 14, text_anchor=anchor, class_="note"),
    ]


def _rates(points: Sequence[Point], middles: list[float], texts: Texts, width: float) -> list[Markup]:
    counted = [None if point.young or point.rate is None else point for point in points]
    marks = ticks(max((point.high or 0.0 for point in counted if point is not None), default=0.0), 3)
    scale = Scale(0.0, marks[-1], _RATE[1], _RATE[0])
    digits = 0 if marks[1] >= 0.01 else 1
    parts = _grid(marks, scale, width, lambda value: texts.percent(value, digits))
    band: list[tuple[float, float]] = []
    places = [(at, point) for at, point in zip(middles, counted, strict=True) if point is not None]
    if len(places) > 1:
        band = [(at, scale(point.high or 0.0)) for at, point in places]
        band += [(at, scale(point.low or 0.0)) for at, point in reversed(places)]
        parts.append(element("path", d=path(band) + "Z", class_="band"))
    line = [
        None if point is None else (at, scale(point.rate or 0.0)) for at, point in zip(middles, counted, strict=True)
    ]
    parts.append(element("path", d=path(line), class_="line-1"))
    if len(places) == 1:
        [(at, point)] = places
        parts.append(element("circle", cx=at, cy=scale(point.rate or 0.0), r=3.5, class_="fill-1"))
    return parts


def _counts(points: Sequence[Point], middles: list[float], step: float, texts: Texts, width: float) -> list[Markup]:
    marks = ticks(max((point.count for point in points), default=0), 2)
    scale = Scale(0.0, marks[-1], _COUNT[1], _COUNT[0])
    parts = _grid(marks, scale, width, texts.short)
    thick = max(1.0, step * 0.7)
    for at, point in zip(middles, points, strict=True):
        top = scale(point.count)
        kind = "bar-young" if point.young else "bar-count"
        parts.append(element("rect", x=at - thick / 2, y=top, width=thick, height=_COUNT[1] - top, class_=kind))
    return parts


def _grid(marks: Sequence[float], scale: Scale, width: float, words: Callable[[float], str]) -> list[Markup]:
    parts = []
    for mark in marks:
        y = scale(mark)
        parts.append(element("line", x1=_LEFT, x2=width - _RIGHT, y1=y, y2=y, class_="tick"))
        parts.append(element("text", words(mark), x=_LEFT - 6, y=y + 4, text_anchor="end", class_="axis"))
    return parts


def _days(points: Sequence[Point], middles: list[float], texts: Texts) -> list[Markup]:
    if not points:
        return []
    every = max(1, round(_PER_LABEL / max(1e-9, (middles[-1] - middles[0]) / max(1, len(points) - 1))))
    return [
        element(
            "text", texts.day(points[number].day), x=middles[number], y=_HEIGHT - 8, text_anchor="middle", class_="axis"
        )
        for number in range(every // 2, len(points), every)
    ]
