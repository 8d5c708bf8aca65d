"""Where the time of a request goes: steps that somebody may measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Steps = Callable[[str], AbstractContextManager[None]]
"""Opens a step by its name, for the length of a `with` block."""


@contextmanager
def untimed(name: str) -> Iterator[None]:
    """Measure nothing.

    Example:
        >>> with untimed("read"):
        ...     pass
    """
    del name
    yield
