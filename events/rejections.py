"""Collects the reasons why rows of a table are rejected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from domain.errors import nearest
from events.quarantine import Reason
from events.texts import Coded

Rows = NDArray[np.bool_]


class Rejections:
    """Collects why rows cannot become events; of several reasons the first one stays.

    Attributes:
        open: Shape (n,), rows without a reason so far.
        reasons: Row -> reason and detail.
        parts: Row, field, reason and detail of fields that do not fit in rows that may do.

    Example:
        >>> rejections = Rejections(np.array([True, True]))
        >>> rejections.where(np.array([False, True]), Reason.TIME_MISSING)
        >>> rejections.where(np.array([False, True]), Reason.TYPE_UNKNOWN)
        >>> rejections.reasons[1][0].value, rejections.open.tolist()
        ('time_missing', [True, False])
    """

    def __init__(self, rows: Rows) -> None:
        self.open = rows
        self.reasons: dict[int, tuple[Reason, str]] = {}
        self.parts: list[tuple[int, str, Reason, str]] = []

    def where(self, rows: Rows, reason: Reason, detail: Callable[[int], str] = lambda _: "") -> None:
        """Reject those of the rows that are still open."""
        new = rows & self.open
        if new.any():
            self.open = self.open & ~rows
            self.reasons.update({row: (reason, detail(row)) for row in np.flatnonzero(new).tolist()})

    def part(self, field: str, rows: Rows, reason: Reason, detail: Callable[[int], str]) -> None:
        """Note that a field of some rows does not fit; it counts only if the row itself is accepted."""
        self.parts += [(row, field, reason, detail(row)) for row in np.flatnonzero(rows & self.open).tolist()]


def unknown_name(coded: Coded, valid: tuple[str, ...]) -> Callable[[int], str]:
    """Return a function that reports a row's unknown name and the nearest known one; it works once per name."""
    details: dict[str | None, str] = {}

    def detail(row: int) -> str:
        name = coded.at(row)
        if name not in details:
            details[name] = "missing" if name is None else got_expected(name, nearest(name, valid))
        return details[name]

    return detail


def got_expected(value: object, expected: str) -> str:
    """Return a text with a value and what was expected in its place."""
    return f"got '{value}', expected {expected}"
