"""The exchange of one request with retries, shared by both clients; they add only the sending and the waiting."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import httpx

from nbo_client.calls import Call
from nbo_client.problems import AnswerError, ServiceError, ServiceUnreachableError, UsageError, problem_of
from nbo_client.reading import read
from nbo_client.retrying import AGAIN, BROKEN, Retries, retry_after_seconds

Answer = TypeVar("Answer")

TIMEOUT_SECONDS: Final = 5.0
"""Timeout of one attempt; the service itself answers in milliseconds or says that it cannot."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request now; the client sends back the response, or the failure of the connection."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait this long; nothing is sent back."""

    seconds: float


Step = Send | Wait
Back = httpx.Response | httpx.HTTPError | None


def exchange(call: Call[Answer], retries: Retries) -> Generator[Step, Back, Answer]:
    """Yield the steps to take until there is an answer, and return the answer.

    Raises:
        ProblemError: The service answered with a problem, and no retry is left or would help.
        ServiceUnreachableError: There was no answer at all.
        AnswerError: The answer cannot be read.
    """
    attempt = 0
    while True:
        attempt += 1
        back = yield Send()
        assert back is not None, "a Send is answered with a response or an error"
        if isinstance(back, httpx.Response) and back.is_success:
            return read(call.answer, _json(back))
        after = retry_after_seconds(back, datetime.now(UTC)) if isinstance(back, httpx.Response) else None
        again = back.status_code in AGAIN if isinstance(back, httpx.Response) else isinstance(back, BROKEN)
        seconds = retries.wait_seconds(attempt, after, random.random) if again else None
        if seconds is None:
            raise _failed(back, after, attempt)
        yield Wait(seconds)


def headers_of(key: str | None, token: str | None) -> dict[str, str]:
    """Return the headers that authenticate the caller.

    Raises:
        UsageError: Neither or both are given.
    """
    if (key is None) == (token is None):
        got = "neither" if key is None else "both"
        raise UsageError(f"a client needs one way to authenticate: got {got}, expected an API key or a bearer token")
    return {"X-API-Key": key} if key is not None else {"Authorization": f"Bearer {token}"}


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        got = response.headers.get("content-type", "no type")
        message = f"the answer is not JSON: got {got}; check that the address is the service's"
        raise AnswerError(message) from error


def _failed(back: httpx.Response | httpx.HTTPError, after: float | None, attempts: int) -> ServiceError:
    if isinstance(back, httpx.Response):
        return problem_of(back, after)
    error = ServiceUnreachableError(
        f"the service does not answer: got {type(back).__name__} at attempt {attempts}; "
        "check that it is running and that the address is right"
    )
    error.__cause__ = back
    return error
