"""Waiting for what happens when it happens: the limit only ends a test that would never end."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 300
"""Within which anything happens: a machine so busy that this does not suffice has failed."""


def until(condition: Callable[[], object], otherwise: str = "it did not happen", seconds: float = SECONDS) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It does not come true, with what that means.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
