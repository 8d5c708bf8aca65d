"""Progress bars for work inside flows, independent of what displays them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from domain.progress import Progress, silent

Bars = Callable[[str], AbstractContextManager[Progress]]
"""Opens a bar with a description for the length of a `with` block."""


@contextmanager
def no_bars(description: str) -> Iterator[Progress]:
    """Show nothing: for scheduled runs and tests."""
    del description
    yield silent


_bars: ContextVar[Bars] = ContextVar("bars", default=no_bars)


def progress_of(description: str) -> AbstractContextManager[Progress]:
    """Open a bar on the current display.

    Example:
        >>> with progress_of("import") as progress:
        ...     progress(1, 10)
    """
    return _bars.get()(description)


@contextmanager
def showing(bars: Bars) -> Iterator[None]:
    """Display progress with `bars` for the length of the block."""
    token = _bars.set(bars)
    try:
        yield
    finally:
        _bars.reset(token)
