"""Circuit breaker: stops calling a failing dependency for a while, so that requests do not all wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import finalize

from domain.errors import StateError
from records.micro_batching import MicroBatcher

if TYPE_CHECKING:
    from features.store.online import OnlineRead, OnlineStates

Answer = TypeVar("Answer")

FAILURES: Final = 3
"""Consecutive failures until the breaker opens."""

REST_SECONDS: Final = 5.0

STORE_SECONDS: Final = 0.5
"""How long a decision waits for the online store; after that it reads the event log: the same features, but slower."""


class Breaker:
    """Counts consecutive failures of a dependency, and after some of them stops calling it for a while.

    After that one call goes through: its result closes the breaker or opens it again.

    Args:
        name: Name of the dependency in errors.
        now: Monotonic clock, seconds.
    """

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are blocked at the moment."""
        return self._now() < self._rests_until

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Call the dependency.

        Raises:
            StateError: It failed, or calls are blocked.
        """
        with self._lock:
            if self.is_open:
                raise StateError(f"{self.name} failed and is left alone for a while")
            if self._failures >= FAILURES:
                # other calls stay blocked while this one tries
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
    """Online states behind a breaker, read in a thread of their own because a frozen store never ends a wait by itself.

    Args:
        states: Online states.
        breaker: Breaker of their store.
        seconds: Time limit for a read.
    """

    def __init__(self, states: OnlineStates, breaker: Breaker, seconds: float = STORE_SECONDS) -> None:
        self._states = states
        self._breaker = breaker
        self._seconds = seconds
        self._asking: MicroBatcher[tuple[Callable[[], OnlineRead], Future[OnlineRead]]] = MicroBatcher(
            _run, most=1, name="online-store"
        )
        finalize(self, self._asking.leave)
        self._last: Future[OnlineRead] | None = None

    def read(self, customer_ids: Sequence[str], now: datetime) -> OnlineRead:
        """Read states; arguments and errors are those of `OnlineStates.read`."""
        return self._breaker.ask(lambda: self._in_time(lambda: self._states.read(customer_ids, now)))

    def _in_time(self, question: Callable[[], OnlineRead]) -> OnlineRead:
        if self._last is not None and not self._last.done():
            raise StateError("the online store has not answered the previous read yet")
        answer: Future[OnlineRead] = Future()
        self._asking.put((question, answer))
        try:
            return answer.result(self._seconds)
        except FutureTimeout:
            self._last = answer
            raise StateError("the online store does not answer", got=f"nothing in {self._seconds:g} s") from None


def _run(asked: list[tuple[Callable[[], OnlineRead], Future[OnlineRead]]]) -> None:
    [(question, answer)] = asked
    try:
        answer.set_result(question())
    except Exception as error:  # noqa: BLE001  passed on to the waiting caller
        answer.set_exception(error)
