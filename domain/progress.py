"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with what is done so far and, where it is known, the total."""


def silent(done: int, total: int | None) -> None:
    """Show nothing.

    Example:
        >>> silent(1, 2)
    """
