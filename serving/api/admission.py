"""Admission control: rejects requests early that would only wait and time out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from serving.api.problems import ProblemError

BATCHES: Final = 2
"""Batches that one worker decides at the same time."""

RETRY_SECONDS: Final = 1


class Admission:
    """Counts the requests being decided in this process.

    Args:
        most_waiting: Maximum number of single decisions in progress; each takes milliseconds, so this bounds the wait.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self.waiting = 0
        self.batches = 0
        self.turned_away = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Admit one decision.

        Raises:
            ProblemError: 429 with Retry-After.
        """
        if self.waiting >= self._most_waiting:
            raise self._overloaded()
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Admit a batch.

        Raises:
            ProblemError: 429 with Retry-After.
        """
        if self.batches >= BATCHES or self.waiting >= self._most_waiting:
            raise self._overloaded()
        self.batches += 1
        try:
            yield
        finally:
            self.batches -= 1

    def _overloaded(self) -> ProblemError:
        self.turned_away += 1
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return ProblemError(429, "overloaded", "the service has more decisions to make than it can", headers=headers)
