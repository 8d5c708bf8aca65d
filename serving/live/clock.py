"""What time it is, for decisions: never earlier than a moment ago."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

JUMP: Final = timedelta(seconds=30)
"""A clock that has moved by more than this against the time that passed is not trusted."""


class Clock:
    """The machine's clock, shifted where a simulated bank lives at another time.

    Args:
        start: The moment at which the clock begins, aware; the machine's own time where it is not given.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta(0) if start is None else start - datetime.now(UTC)
        self._lock = threading.Lock()
        self._latest = datetime.now(UTC) + self._offset
        self._begun = time.time() - time.monotonic()

    def now(self) -> datetime:
        """Tell the moment, UTC: later than that of the call before, so that no two decisions share one."""
        with self._lock:
            self._latest = max(datetime.now(UTC) + self._offset, self._latest + timedelta(microseconds=1))
            return self._latest

    @property
    def jumped(self) -> timedelta:
        """By how much the machine's clock was moved since the beginning; days and quiet hours hang on it."""
        return timedelta(seconds=time.time() - time.monotonic() - self._begun)

    @property
    def is_trusted(self) -> bool:
        """Whether it was moved by no more than `JUMP`."""
        return abs(self.jumped) <= JUMP
