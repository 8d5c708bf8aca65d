"""Error answers as problem details (RFC 9457): type and status; what was got, what was expected, how to fix it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from domain.errors import DataError, NboError, NotFoundError, StateError

logger = logging.getLogger("nbo.service")

MEDIA_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 20
RETRY_SECONDS: Final = 2


class ProblemDetails(BaseModel):
    """An error answer (RFC 9457).

    Attributes:
        type: Kind of the problem: `urn:nbo:problem:...`.
        title: What went wrong.
        status: HTTP status.
        detail: More about it.
        got: The offending value.
        expected: What would have been right.
        remedy: What to do now.
        errors: Each wrong field: where it is, and what is wrong with it.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    got: str | None = None
    expected: str | None = None
    remedy: str | None = None
    errors: list[dict[str, Any]] | None = None


class ProblemError(HTTPException):
    """An error that is answered as a problem.

    Args:
        status: HTTP status.
        kind: Last part of the problem's type.
        title: What went wrong.
        headers: Headers of the answer.
    """

    def __init__(
        self, status: int, kind: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        # a subclass of the framework's error, which passes through from wherever it is raised
        super().__init__(status, title, dict(headers or {}))
        self.kind = kind
        self.more = more

    def response(self) -> Response:
        """Return the problem as a response."""
        content = {"type": f"urn:nbo:problem:{self.kind}", "title": self.detail, "status": self.status_code}
        content |= {name: value for name, value in self.more.items() if value is not None}
        return Response(orjson.dumps(content), self.status_code, dict(self.headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: NboError) -> ProblemError:
    """Convert an error of nbo: errors of the client are 4xx, failures of the service 503."""
    details: dict[str, Any] = {"got": error.got, "expected": error.expected, "remedy": error.remedy}
    if isinstance(error, NotFoundError):
        return ProblemError(404, "not-found", error.what, **details)
    if isinstance(error, DataError):
        return ProblemError(422, "not-fit", error.what, **details)
    # a database's message may contain personal data: it is logged, not sent to the caller
    remedy = "try again in a moment" if isinstance(error, StateError) else None
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return ProblemError(503, "not-available", error.what, headers=headers, remedy=remedy)


def handle_problems(app: FastAPI) -> None:
    """Answer every error of an application as a problem."""

    @app.exception_handler(ProblemError)
    async def of_problem(request: Request, error: ProblemError) -> Response:
        return error.response()

    @app.exception_handler(NboError)
    async def of_ours(request: Request, error: NboError) -> Response:
        answer = problem_of(error)
        if answer.status_code >= 500:
            # a driver's message is for operators; it may name hosts
            logger.error("not available", extra={"route": route_of(request.scope), "why": str(error)})
        return answer.response()

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        broken = any(one["type"] == "json_invalid" for one in found)
        errors = [{"at": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in found[:MOST_ERRORS]]
        if broken:
            return ProblemError(400, "not-json", "the body is not JSON", errors=errors).response()
        title = f"the request has {len(found)} {'problem' if len(found) == 1 else 'problems'}"
        return ProblemError(422, "not-fit", title, errors=errors).response()

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return ProblemError(error.status_code, "http", str(error.detail), headers=headers).response()

    @app.exception_handler(Exception)
    async def of_anything(request: Request, error: Exception) -> Response:
        logger.error("unexpected", exc_info=error, extra={"route": route_of(request.scope)})
        return ProblemError(500, "unexpected", "an unexpected error occurred in the service").response()


def template_of(scope: MutableMapping[str, Any]) -> str | None:
    """Return the template of the request's route, since a URL may name a customer; None if no route matches."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path


def route_of(scope: MutableMapping[str, Any]) -> str:
    """Return the route's template, or `none`."""
    return template_of(scope) or "none"


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI descriptions of problem answers."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": "Problem", "model": ProblemDetails, "content": content} for status in sorted(statuses)
    }
