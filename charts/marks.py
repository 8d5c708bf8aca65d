"""Marks on a chart over time: a line where something changed, and its number above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from charts.svg import element, text_width

_BETWEEN: Final = 6.0
_ABOVE: Final = 8.0


def marks(numbers: Mapping[float, Sequence[int]], top: float, bottom: float) -> list[Markup]:
    """Draw a line for each position, and above the lines the numbers, those together that would overlap.

    Args:
        numbers: Position from the left -> numbers of the marks there, ascending.
        top: Upper end of the lines.
        bottom: Lower end of the lines.

    Example:
        >>> [line, label] = marks({40.0: [1, 2, 3, 7]}, 20.0, 100.0)
        >>> label
        Markup('<text x="40" y="12" text-anchor="middle" class="mark-label">1–3, 7</text>')
    """
    lines = [element("line", x1=x, x2=x, y1=top, y2=bottom, class_="mark") for x in sorted(numbers)]
    labels: list[tuple[list[float], list[int]]] = []
    for x in sorted(numbers):
        labels.append(([x], list(numbers[x])))
        while len(labels) > 1 and _overlap(labels[-2], labels[-1]):
            positions, here = labels.pop()
            labels[-1] = (labels[-1][0] + positions, labels[-1][1] + here)
    texts = [
        element("text", _ranges(here), x=_middle(positions), y=top - _ABOVE, text_anchor="middle", class_="mark-label")
        for positions, here in labels
    ]
    return [*lines, *texts]


def _overlap(one: tuple[list[float], list[int]], other: tuple[list[float], list[int]]) -> bool:
    widths = sum(text_width(_ranges(numbers)) for _, numbers in (one, other)) / 2
    return _middle(other[0]) - _middle(one[0]) < widths + _BETWEEN


def _middle(positions: Sequence[float]) -> float:
    return (positions[0] + positions[-1]) / 2


def _ranges(numbers: Sequence[int]) -> str:
    """Write numbers, three and more that follow each other as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)
