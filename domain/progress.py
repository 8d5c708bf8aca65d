"""Progress callbacks for long-running work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the amount done so far and, if known, the total."""


def silent(done: int, total: int | None) -> None:
    """Show nothing.

    Example:
        >>> silent(1, 2)
    """
