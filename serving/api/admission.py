"""Turning away what could only wait: an early no is worth more than a late answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from serving.api.problems import ProblemError

BATCHES: Final = 2
"""That one worker decides at once."""

RETRY_SECONDS: Final = 1


class Admission:
    """Counts what is being decided in this process.

    Args:
        most_waiting: Single decisions at once; each takes some milliseconds, so that this bounds the wait.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self.waiting = 0
        self.batches = 0
        self.turned_away = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Let one decision in.

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
        """Let a batch in.

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
        return ProblemError(429, "overloaded", "the service has more to decide than it can", headers=headers)
