"""Retries: which failures to retry, and how long to wait first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from nbo_client.problems import UsageError

AGAIN: Final = frozenset({429, 502, 503, 504})
"""Statuses after which a retry may succeed."""

BROKEN: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Connection failures, after which the client cannot know whether the request arrived; its id makes a retry safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how soon a request is retried.

    The longest wait doubles with each attempt, and the actual wait is drawn uniformly between zero and that, so that
    many callers do not retry at once ("full jitter": M. Brooker, Exponential Backoff and Jitter, 2015). If the service
    says when to retry, the wait is that long plus up to `first_seconds`.

    Attributes:
        attempts: Number of attempts in all; 1 for no retries.
        first_seconds: Longest wait before the second attempt.
        longest_seconds: Limit of every wait; if the service asks for a longer one, the request is not retried.
    """

    attempts: int = 4
    first_seconds: float = 0.1
    longest_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_seconds < 0 or self.longest_seconds < self.first_seconds:
            raise UsageError(f"these retries make no sense: got {self!r}, expected 1 attempt or more, waits that grow")

    def wait_seconds(self, attempt: int, after_seconds: float | None, draw: Callable[[], float]) -> float | None:
        """Return how long to wait after a failed attempt; None if there is to be no other.

        Args:
            attempt: Number of the failed attempt, from 1.
            after_seconds: The wait that the service asks for.
            draw: Returns a random number in [0, 1).

        Example:
            >>> retries = Retries(attempts=3, first_seconds=0.1)
            >>> [retries.wait_seconds(attempt, None, lambda: 0.5) for attempt in (1, 2, 3)]
            [0.05, 0.1, None]
            >>> retries.wait_seconds(1, 2.0, lambda: 0.5), retries.wait_seconds(1, 60.0, lambda: 0.5)
            (2.05, None)
        """
        if attempt >= self.attempts or (after_seconds or 0.0) > self.longest_seconds:
            return None
        if after_seconds is not None:
            return after_seconds + self.first_seconds * draw()
        # 2.0 ** 1024 would overflow
        most = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempt - 1, 100))
        return most * draw()


def retry_after_seconds(response: httpx.Response, now: datetime) -> float | None:
    """Read the header `Retry-After`, which is seconds or a date; None if it is missing or neither.

    Example:
        >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
        >>> values = ["2", "Mon, 02 Mar 2026 12:00:30 GMT", "Sun, 01 Mar 2026 12:00:00 GMT", "soon"]
        >>> [retry_after_seconds(httpx.Response(503, headers={"Retry-After": value}), noon) for value in values]
        [2.0, 30.0, 0.0, None]
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a number in it may be too large for a date
        return None
    # dates in HTTP are always GMT
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
