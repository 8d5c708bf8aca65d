"""What goes wrong, as RFC 9457 has it: a type, a status, and what was got, expected and could be done."""

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
    """An error as it is answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    got: str | None = None
    expected: str | None = None
    remedy: str | None = None
    errors: list[dict[str, Any]] | None = None


class ProblemError(HTTPException):
    """A request that is answered with a problem.

    Args:
        status: Of HTTP.
        kind: Last part of the problem's type.
        title: What went wrong.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, kind: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        # of the framework's own kind, which it lets through wherever it is raised
        super().__init__(status, title, dict(headers or {}))
        self.kind = kind
        self.more = more

    def response(self) -> Response:
        """Write it."""
        content = {"type": f"urn:nbo:problem:{self.kind}", "title": self.detail, "status": self.status_code}
        content |= {name: value for name, value in self.more.items() if value is not None}
        return Response(orjson.dumps(content), self.status_code, dict(self.headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: NboError) -> ProblemError:
    """Say an error of ours: what the client did is 4xx, what failed here 503."""
    said: dict[str, Any] = {"got": error.got, "expected": error.expected, "remedy": error.remedy}
    if isinstance(error, NotFoundError):
        return ProblemError(404, "not-found", error.what, **said)
    if isinstance(error, DataError):
        return ProblemError(422, "not-fit", error.what, **said)
    # what a database says may name places and people: it goes to the log, not to the caller
    remedy = "ask again in a moment" if isinstance(error, StateError) else None
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return ProblemError(503, "not-available", error.what, headers=headers, remedy=remedy)


def handle_problems(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""

    @app.exception_handler(ProblemError)
    async def of_problem(request: Request, error: ProblemError) -> Response:
        return error.response()

    @app.exception_handler(NboError)
    async def of_ours(request: Request, error: NboError) -> Response:
        answer = problem_of(error)
        if answer.status_code >= 500:
            # what a driver says is for those who run the service; it may name places
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
        return ProblemError(500, "unexpected", "something failed here that should not").response()


def template_of(scope: MutableMapping[str, Any]) -> str | None:
    """Find the template of a request's route, for an address may name a customer; None where there is no route."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path


def route_of(scope: MutableMapping[str, Any]) -> str:
    """Name a route by its template."""
    return template_of(scope) or "none"


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe problems for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": "Problem", "model": ProblemDetails, "content": content} for status in sorted(statuses)
    }
