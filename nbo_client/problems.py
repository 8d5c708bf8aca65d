"""What could not be done, as typed errors: by the service (RFC 9457), or not even asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

MEDIA_TYPE: Final = "application/problem+json"


class UsageError(ValueError):
    """The call makes no sense; nothing was sent."""


class ServiceError(Exception):
    """The service did not do what was asked."""


class AnswerError(ServiceError):
    """An answer that is not what the service's description says: another service, or another version of it."""


class ServiceUnreachableError(ServiceError):
    """The service did not answer, however often it was asked."""


class ProblemError(ServiceError):
    """The service answered with a problem.

    Attributes:
        status: Of HTTP.
        content: The problem document: title, and where they are known got, expected and remedy.
        kind: Last part of the problem's type, as `request-clash`; `http` for an answer that is no problem document,
            which is not of the service but of something in front of it.
        errors: Places in what was sent, and what is wrong there.
        retry_after_seconds: When to ask again, where the service says.

    Example:
        >>> print(ProblemError(404, {"title": "no such customer", "got": "'c1'", "remedy": "check the id"}))
        no such customer (404): got 'c1'; check the id
    """

    def __init__(self, status: int, content: Mapping[str, Any], retry_after_seconds: float | None = None) -> None:
        super().__init__(status, content, retry_after_seconds)  # from which a copy in another process is made
        self.status = status
        self.content = content
        self.kind = str(content.get("type", "http")).rpartition(":")[2]
        self.errors: Sequence[Mapping[str, Any]] = tuple(content.get("errors") or ())
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """Say it in one sentence."""
        places = "; ".join(f"{error.get('at')}: {error.get('what')}" for error in self.errors)
        said = {"got": self.content.get("got") or places, "expected": self.content.get("expected")}
        compared = ", ".join(f"{label} {value}" for label, value in said.items() if value)
        sentence = f"{self.content.get('title') or 'the request failed'} ({self.status})"
        sentence += f": {compared}" if compared else ""
        remedy = self.content.get("remedy")
        return f"{sentence}; {remedy}" if remedy else sentence


class RequestUnfitError(ProblemError):
    """What was sent cannot be answered as it is (400, 413, 422): asking again changes nothing."""


class UnauthorisedError(ProblemError):
    """The service does not know who asks (401)."""


class NotAllowedError(ProblemError):
    """The caller may not do this (403)."""


class UnknownError(ProblemError):
    """What was asked for is not there (404)."""


class RequestClashError(ProblemError):
    """The request's id stands for another request (409)."""


class NotPendingError(ProblemError):
    """There is no contact that could be withdrawn: it was presented, or the decision is none (409)."""


class OverloadedError(ProblemError):
    """The service has more to do than it can, or the caller asks too often (429)."""


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
    """Turn an answer that is an error into one to raise."""
    content: Any = None
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        try:
            content = response.json()
        except ValueError:
            content = None
    kind = UnavailableError if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR else ProblemError
    said = content if isinstance(content, dict) else {"title": response.reason_phrase}
    kind = _BY_KIND.get(str(said.get("type")), _BY_STATUS.get(response.status_code, kind))
    return kind(response.status_code, said, retry_after_seconds)
