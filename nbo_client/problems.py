"""What the service could not do, as typed errors (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from domain.errors import NboError

MEDIA_TYPE: Final = "application/problem+json"


class ServiceError(NboError):
    """The service did not do what was asked."""


class ServiceUnreachableError(ServiceError):
    """The service did not answer, however often it was asked."""


class ProblemError(ServiceError):
    """The service answered with a problem.

    Attributes:
        status: Of HTTP.
        kind: Last part of the problem's type, as `request-clash`; `http` for an answer that is no problem document,
            which is not of the service but of something in front of it.
        errors: Places in what was sent, and what is wrong there.
        retry_after_seconds: When to ask again, where the service says.
    """

    def __init__(self, status: int, content: Mapping[str, Any], retry_after_seconds: float | None = None) -> None:
        self.status = status
        self.kind = str(content.get("type", "http")).rpartition(":")[2]
        self.errors: Sequence[Mapping[str, Any]] = tuple(content.get("errors") or ())
        self.retry_after_seconds = retry_after_seconds
        places = "; ".join(f"{error.get('at')}: {error.get('what')}" for error in self.errors)
        super().__init__(
            f"{content.get('title') or 'the request failed'} ({status})",
            got=content.get("got") or places or None,
            expected=content.get("expected"),
            remedy=content.get("remedy"),
        )


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
