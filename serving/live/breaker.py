"""Leaving alone what fails: asking it again and again would make everybody wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from domain.errors import StateError

if TYPE_CHECKING:
    from features.store.online import OnlineRead, OnlineStates

Answer = TypeVar("Answer")

FAILURES: Final = 3
"""In a row, until it is left alone."""

REST_SECONDS: Final = 5.0


class Breaker:
    """Counts failures of something, and asks it no more for a while after some in a row.

    After the rest one question goes through: its answer ends the rest, or begins another.

    Args:
        name: As errors call it.
        now: Seconds on a clock that never goes back.
    """

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it is left alone at the moment."""
        return self._now() < self._rests_until

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask it.

        Raises:
            StateError: It failed, or is left alone.
        """
        with self._lock:
            if self.is_open:
                raise StateError(f"{self.name} failed and is left alone for a while")
            if self._failures >= FAILURES:
                # others go on without it while this one tries
                self._rests_until = self._now() + REST_SECONDS
        try:
            answer = question()
        except StateError:
            with self._lock:
                self._failures += 1
                if self._failures >= FAILURES:
                    self._rests_until = self._now() + REST_SECONDS
            raise
        with self._lock:
            self._failures = 0
            self._rests_until = 0.0
        return answer


class GuardedStates:
    """Online states behind a breaker.

    Args:
        states: Online states.
        breaker: Of their store.
    """

    def __init__(self, states: OnlineStates, breaker: Breaker) -> None:
        self._states = states
        self._breaker = breaker

    def read(self, customer_ids: Sequence[str], now: datetime) -> OnlineRead:
        """Read states; arguments and errors as of `OnlineStates.read`."""
        return self._breaker.ask(lambda: self._states.read(customer_ids, now))
