"""Elements and scales of SVG: drawn on the server, coloured by the style sheet, without any script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from markupsafe import Markup, escape

_LETTER, _IDEOGRAPH = 9.5, 15.0
_FIRST_IDEOGRAPH: Final = "\u2e80"
_JOINER: Final = "\u2060"
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def element(tag: str, *content: Markup | str, **attributes: object) -> Markup:
    """Return an element; an underscore in an attribute's name is a hyphen, and one at the end is left out.

    Example:
        >>> element("text", "<b>", x=1.25, class_="axis", text_anchor="end")
        Markup('<text x="1.2" class="axis" text-anchor="end">&lt;b&gt;</text>')
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{Markup().join(content)}</{tag}>")  # noqa: S704 - every part is escaped


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps numbers from `low` to `high` to positions from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a number.

        Example:
            >>> Scale(0, 10, 100, 0)(2.5)
            75.0
        """
        span = self.high - self.low
        return self.start + (self.end - self.start) * ((value - self.low) / span if span else 0.5)


def text_width(text: str) -> float:
    """Return about how wide a text is on a narrow screen, where letters are largest.

    Example:
        >>> text_width("May"), text_width("五月")
        (28.5, 30.0)
    """
    return sum(_IDEOGRAPH if letter >= _FIRST_IDEOGRAPH else _LETTER for letter in text if letter != _JOINER)


def ticks(largest: float, at_most: int = 4) -> list[float]:
    """Return round numbers from 0 to at least the largest value.

    Example:
        >>> ticks(0.13), ticks(730)
        ([0.0, 0.05, 0.1, 0.15], [0.0, 200.0, 400.0, 600.0, 800.0])
    """
    if not largest > 0:
        return [0.0, 1.0]
    raw = largest / at_most
    power = 10.0 ** floor(log10(raw))
    step = next(one * power for one in _STEPS if one * power >= raw * (1 - 1e-9))
    return [round(step * number, 12) for number in range(ceil(largest / step - 1e-9) + 1)]


def path(points: Sequence[tuple[float, float] | None]) -> str:
    """Return the data of a path through points; None interrupts it.

    Example:
        >>> path([(0, 1), (2.25, 3), None, (4, 5)])
        'M0 1L2.2 3M4 5'
    """
    parts, pen_down = [], False
    for point in points:
        if point is not None:
            parts.append(f"{'L' if pen_down else 'M'}{_plain(float(point[0]))} {_plain(float(point[1]))}")
        pen_down = point is not None
    return "".join(parts)
