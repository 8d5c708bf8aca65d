"""When to ask again, and how long to wait before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from nbo_client.problems import UsageError

AGAIN: Final = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may be answered."""

BROKEN: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Failures of a connection, after which nobody knows whether the request was heard: its id makes asking again safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how soon a request is sent again.

    Waits double, and each is drawn evenly from nothing to its whole, so that many callers do not come back at once
    ("full jitter": M. Brooker, Exponential Backoff and Jitter, 2015). A service that says when to come back is waited
    for that long and up to `first_seconds` more.

    Attributes:
        attempts: In all; 1 for never again.
        first_seconds: Longest wait before the second attempt.
        longest_seconds: No wait is longer; a service that asks for a longer one is not asked again.
    """

    attempts: int = 4
    first_seconds: float = 0.1
    longest_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_seconds < 0 or self.longest_seconds < self.first_seconds:
            raise UsageError(f"these retries make no sense: got {self!r}, expected 1 attempt or more, waits that grow")

    def wait_seconds(self, attempt: int, after_seconds: float | None, draw: Callable[[], float]) -> float | None:
        """Say how long to wait after an attempt that failed; None where there is no other.

        Args:
            attempt: Counted from 1.
            after_seconds: What the service asks for.
            draw: A random number in [0, 1).

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
        # 2.0 ** 1024 is no float any more
        most = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempt - 1, 100))
        return most * draw()


def retry_after_seconds(response: httpx.Response, now: datetime) -> float | None:
    """Read when the service wants to be asked again: seconds, or a date; None where it does not say.

    Example:
        >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
        >>> said = ["2", "Mon, 02 Mar 2026 12:00:30 GMT", "Sun, 01 Mar 2026 12:00:00 GMT", "soon"]
        >>> [retry_after_seconds(httpx.Response(503, headers={"Retry-After": text}), noon) for text in said]
        [2.0, 30.0, 0.0, None]
    """
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):  # a number in it may be longer than any date's
        return None
    # a date without a zone is of GMT: there is no other in HTTP
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
