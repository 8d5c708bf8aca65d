"""Typed errors of the client: problems that the service answered with (RFC 9457), and requests that were not sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

MEDIA_TYPE: Final = "application/problem+json"


class UsageError(ValueError):
    """The call makes no sense; nothing was sent."""


class ServiceError(Exception):
    """The request failed: base class of all failures at or before the service."""


class AnswerError(ServiceError):
    """The answer does not match the service's description: it is another service, or another version."""


class ServiceUnreachableError(ServiceError):
    """The service did not answer any attempt."""


class ProblemError(ServiceError):
    """The service answered with a problem.

    Attributes:
        status: HTTP status.
        content: The problem document: title, and got, expected and remedy where they are known.
        kind: Last part of the problem's type, such as `request-clash`; `http` for an answer that is not a problem
            document, which comes from something in front of the service.
        errors: Places in the request body, and what is wrong there.
        retry_after_seconds: When to retry, if the service says so.

    Example:
        >>> print(ProblemError(404, {"title": "no such customer", "got": "'c1'", "remedy": "check the id"}))
        no such customer (404): got 'c1'; check the id
    """

    def __init__(self, status: int, content: Mapping[str, Any], retry_after_seconds: float | None = None) -> None:
        super().__init__(status, content, retry_after_seconds)  # makes the error picklable
        self.status = status
        self.content = content
        self.kind = str(content.get("type", "http")).rpartition(":")[2]
        self.errors: Sequence[Mapping[str, Any]] = tuple(content.get("errors") or ())
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """Describe the problem in one sentence."""
        places = "; ".join(f"{error.get('at')}: {error.get('what')}" for error in self.errors)
        details = {"got": self.content.get("got") or places, "expected": self.content.get("expected")}
        compared = ", ".join(f"{label} {value}" for label, value in details.items() if value)
        sentence = f"{self.content.get('title') or 'the request failed'} ({self.status})"
        sentence += f": {compared}" if compared else ""
        remedy = self.content.get("remedy")
        return f"{sentence}; {remedy}" if remedy else sentence


class RequestUnfitError(ProblemError):
    """The request is invalid (400, 413, 422); a retry would fail too."""


class UnauthorisedError(ProblemError):
    """The service does not know the caller (401)."""


class NotAllowedError(ProblemError):
    """The caller may not do this (403)."""


class UnknownError(ProblemError):
    """There is no such customer, decision or route (404)."""


class RequestClashError(ProblemError):
    """The idempotency key belongs to a different request (409)."""


class NotPendingError(ProblemError):
    """There is no contact to withdraw: it was presented, or the decision is not a contact (409)."""


class OverloadedError(ProblemError):
    """The service is overloaded, or the caller exceeds its rate (429)."""


class UnavailableError(ProblemError):
    """Something failed at the service (5xx)."""


_BY_STATUS: Final[Mapping[int, type[ProblemError]]] = {
    400: RequestUnfitError,
    401: UnauthorisedError,
    403: NotAllowedError,
    404: UnknownError,
    409: RequestClashError,
    413: RequestUnfitError,
    422: RequestUnfitError,
    429: OverloadedError,
}

_BY_KIND: Final[Mapping[str, type[ProblemError]]] = {"urn:nbo:problem:not-pending": NotPendingError}


def problem_of(response: httpx.Response, retry_after_seconds: float | None = None) -> ProblemError:
    """Return the exception for an error response."""
    content: Any = None
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        try:
            content = response.json()
        except ValueError:
            content = None
    kind = UnavailableError if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR else ProblemError
    problem = content if isinstance(content, dict) else {"title": response.reason_phrase}
    kind = _BY_KIND.get(str(problem.get("type")), _BY_STATUS.get(response.status_code, kind))
    return kind(response.status_code, problem, retry_after_seconds)
