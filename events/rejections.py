"""The first reason against each row of a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from domain.errors import nearest
from events.quarantine import Reason
from events.texts import Coded

Rows = NDArray[np.bool_]


class Rejections:
    """Collects why rows cannot become events; of several reasons the one given first stays.

    Attributes:
        open: Shape (n,), rows that nothing was said against.
        reasons: Row -> reason and detail.
        parts: Row, field, reason and detail of what cost only itself.

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
        """Reject the open ones among some rows."""
        new = rows & self.open
        if new.any():
            self.open = self.open & ~rows
            self.reasons.update({row: (reason, detail(row)) for row in np.flatnonzero(new).tolist()})

    def part(self, field: str, rows: Rows, reason: Reason, detail: Callable[[int], str]) -> None:
        """Note that a field of some rows does not fit; it counts where the row itself is accepted."""
        self.parts += [(row, field, reason, detail(row)) for row in np.flatnonzero(rows & self.open).tolist()]


def unknown_name(coded: Coded, valid: tuple[str, ...]) -> Callable[[int], str]:
    """Say of a row which name is not known, and the nearest that is; worked out once per name."""
    said: dict[str | None, str] = {}

    def detail(row: int) -> str:
        name = coded.at(row)
        if name not in said:
            said[name] = "missing" if name is None else got_expected(name, nearest(name, valid))
        return said[name]

    return detail


def got_expected(value: object, expected: str) -> str:
    """Say what was got and what would have been right."""
    return f"got '{value}', expected {expected}"
