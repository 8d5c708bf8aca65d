"""The decision clock: strictly increasing, and aware of changes to the machine's clock."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

JUMP: Final = timedelta(seconds=30)
"""A clock that moved by more than this relative to elapsed time is not trusted."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClockBase:
    """What the clocks of all processes of a service share, fixed when the service starts.

    A process started later, to replace one that was killed, uses the same base.

    Attributes:
        ahead: Offset added to the machine's clock; zero if the bank lives in real time.
        begun: Machine time minus monotonic time when the service started, seconds.

    Example:
        >>> base = ClockBase.of(timedelta(days=-3))
        >>> ClockBase.from_text(base.text()) == base
        True
    """

    ahead: timedelta
    begun: float

    @classmethod
    def of(cls, ahead: timedelta) -> ClockBase:
        """Return the base of a service that starts now."""
        return cls(ahead, time.time() - time.monotonic())

    @classmethod
    def from_text(cls, text: str) -> ClockBase:
        """Read the output of `text`."""
        ahead, begun = json.loads(text)
        return cls(ahead * _MICROSECOND, begun)

    def text(self) -> str:
        """Serialise the base exactly, for another process."""
        return json.dumps([self.ahead // _MICROSECOND, self.begun])


class Clock:
    """The machine's clock, shifted if a simulated bank lives at another time.

    Args:
        start: Aware moment at which the clock starts; the machine's time by default.
        base: Base of the service, used instead of `start`.
    """

    def __init__(self, start: datetime | None = None, *, base: ClockBase | None = None) -> None:
        if base is None:
            base = ClockBase.of(timedelta(0) if start is None else start - datetime.now(UTC))
        self._ahead, self._begun = base.ahead, base.begun
        self._lock = threading.Lock()
        self._latest = datetime.now(UTC) + self._ahead

    def now(self) -> datetime:
        """Return the current moment, UTC, later than that of the previous call: no two decisions share a moment."""
        with self._lock:
            self._latest = max(datetime.now(UTC) + self._ahead, self._latest + _MICROSECOND)
            return self._latest

    @property
    def jumped(self) -> timedelta:
        """How far the machine's clock was moved since the service started; days and quiet hours depend on it."""
        return timedelta(seconds=time.time() - time.monotonic() - self._begun)

    @property
    def is_trusted(self) -> bool:
        """Whether the clock was moved by at most `JUMP`."""
        return abs(self.jumped) <= JUMP
