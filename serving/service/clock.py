"""What time it is, for decisions: never earlier than a moment ago."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

JUMP: Final = timedelta(seconds=30)
"""A clock that has moved by more than this against the time that passed is not trusted."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClockBase:
    """What the clocks of all processes of a service have in common, fixed when it starts.

    A process that is started later, in the place of one that was killed, goes on by the same base.

    Attributes:
        ahead: Of the machine's clock; nothing where a bank lives in real time.
        begun: How far the machine's clock was ahead of the time that passes, seconds, when the service started.

    Example:
        >>> base = ClockBase.of(timedelta(days=-3))
        >>> ClockBase.from_text(base.text()) == base
        True
    """

    ahead: timedelta
    begun: float

    @classmethod
    def of(cls, ahead: timedelta) -> ClockBase:
        """Make the base of a service that starts now."""
        return cls(ahead, time.time() - time.monotonic())

    @classmethod
    def from_text(cls, text: str) -> ClockBase:
        """Read what `text` wrote."""
        ahead, begun = json.loads(text)
        return cls(ahead * _MICROSECOND, begun)

    def text(self) -> str:
        """Write it as another process reads it, exactly."""
        return json.dumps([self.ahead // _MICROSECOND, self.begun])


class Clock:
    """The machine's clock, shifted where a simulated bank lives at another time.

    Args:
        start: The moment at which the clock begins, aware; the machine's own time where it is not given.
        base: In the place of `start`, that of the service.
    """

    def __init__(self, start: datetime | None = None, *, base: ClockBase | None = None) -> None:
        if base is None:
            base = ClockBase.of(timedelta(0) if start is None else start - datetime.now(UTC))
        self._ahead, self._begun = base.ahead, base.begun
        self._lock = threading.Lock()
        self._latest = datetime.now(UTC) + self._ahead

    def now(self) -> datetime:
        """Tell the moment, UTC: later than that of the call before, so that no two decisions share one."""
        with self._lock:
            self._latest = max(datetime.now(UTC) + self._ahead, self._latest + _MICROSECOND)
            return self._latest

    @property
    def jumped(self) -> timedelta:
        """By how much the machine's clock was moved since the service started; days and quiet hours hang on it."""
        return timedelta(seconds=time.time() - time.monotonic() - self._begun)

    @property
    def is_trusted(self) -> bool:
        """Whether it was moved by no more than `JUMP`."""
        return abs(self.jumped) <= JUMP
