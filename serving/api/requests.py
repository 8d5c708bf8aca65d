"""What every request goes through: limits on its body, the answer deadline, and its audit entry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from domain.errors import DataError, StateError
from records.audit import AuditEntry
from records.event_rows import microseconds
from serving.api.json_bodies import read_json
from serving.api.problems import ProblemError, problem_of
from serving.api.security import Caller, arrived
from serving.service.service import Service

Answer = TypeVar("Answer")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def in_time(request: Request, answer: Awaitable[Answer]) -> Answer:
    """Wait for an answer until the answer deadline of the service.

    The work continues and may still succeed: a retry with the same id finds out.

    Raises:
        StateError: The deadline passed.
    """
    try:
        return await asyncio.wait_for(answer, request.app.state.service.settings.answer_seconds)
    except TimeoutError:
        raise StateError("no answer in time: the service's data is locked, or its database does not answer") from None


async def apart(request: Request, work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Run blocking work in a thread, so that decisions do not wait for it.

    Raises:
        StateError: The deadline passed.
    """
    return await in_time(request, asyncio.get_running_loop().run_in_executor(None, work, *arguments))


_CLOUD_EVENT: Final = "ce-"
_SPEC: Final = "ce-specversion"
_NO_DATA: Final = b"{}"


class LimitedRequest(Request):
    """A request whose body is read as JSON without NaN, and with limits on size and depth."""

    async def body(self) -> bytes:
        """Read the body.

        Raises:
            ProblemError: 413 if it is too large, 400 if the caller hangs up before its end.
        """
        if not hasattr(self, "_body"):
            largest: int = self.app.state.largest_body
            declared = self.headers.get("content-length", "0")
            if declared.isdigit() and int(declared) > largest:
                raise _too_large(largest)
            chunks, size = [], 0
            try:
                async for chunk in self.stream():
                    size += len(chunk)
                    if size > largest:
                        raise _too_large(largest)
                    chunks.append(chunk)
            except ClientDisconnect:
                raise ProblemError(400, "not-json", "the body has no end: the caller hung up") from None
            # the framework does not parse an empty body, but a CloudEvent in binary mode may have no data
            self._body = b"".join(chunks) or (_NO_DATA if self._is_cloud_event else b"")
        return self._body

    async def json(self) -> Any:
        """Read the body as JSON; a CloudEvent in binary mode is assembled from headers and body."""
        body = await self.body()
        try:
            content = read_json(body)
        except DataError as error:
            raise problem_of(error) from error
        if self._is_cloud_event:
            return {**self._cloud_event(), "data": content}
        return content

    @property
    def _is_cloud_event(self) -> bool:
        return _SPEC in self.headers

    def _cloud_event(self) -> dict[str, str]:
        """Read the attributes of a CloudEvent in binary mode, percent-decoding their headers."""
        return {
            name.removeprefix(_CLOUD_EVENT): _decoded(value)
            for name, value in self.headers.items()
            if name.startswith(_CLOUD_EVENT)
        }


class LimitedRoute(APIRoute):
    """A route whose requests are limited, and whose path is matched as it was sent: an id may contain a slash (%2F)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path before it is decoded, and decode the ids that it contains.

        Raises:
            ProblemError: 422 if they are not percent-encoded UTF-8.
        """
        sent: bytes = scope["raw_path"]
        if b"%" not in sent and sent.isascii():  # it is what it was decoded to
            return super().matches(scope)
        match, found = super().matches({**scope, "path": sent.decode("latin-1")})
        if "path_params" in found:
            found["path_params"] = {name: _decoded(value) for name, value in found["path_params"].items()}
        return match, found

    def get_route_handler(self) -> Handler:
        """Return a handler that authenticates, counts and limits each request."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            # before any of the body is read
            arrived(request)
            scope = request.scope
            if _SPEC in request.headers and "content-type" not in request.headers:
                # without data there is no content type, and the framework parses no body without one
                scope = {**scope, "headers": [*scope["headers"], (b"content-type", b"application/json")]}
            return await self.answered(LimitedRequest(scope, request.receive), handle)

        return limited

    async def answered(self, request: LimitedRequest, by_framework: Handler) -> Response:
        """Answer a request whose caller is known, by default with the framework's handler."""
        return await by_framework(request)


def _decoded(text: str) -> str:
    """Decode a percent-encoded id; letters that were lost on the way would make one customer of two."""
    try:
        return unquote(text.encode("ascii"), errors="strict")
    except UnicodeError:
        got = ascii(text)[:100]
        raise ProblemError(422, "not-fit", "not percent-encoded UTF-8", got=got, expected="M%C3%BCller") from None


def _too_large(largest: int) -> ProblemError:
    return ProblemError(413, "too-large", "the body is too large", expected=f"at most {largest:,} bytes")


async def noted(request: Request, caller: Caller, act: str, subject: str | None, detail: str | None = None) -> None:
    """Write an audit entry and wait until it is committed.

    Raises:
        StateError: The entry could not be written; the action must not happen.
    """
    service: Service = request.app.state.service
    line = AuditEntry(at=microseconds(service.clock.now()), caller=caller.name, act=act, subject=subject, detail=detail)
    await in_time(request, asyncio.wrap_future(service.commits.submit(service.audit, line)))


def as_json(content: Any) -> Response:
    """Return a JSON response; NaN becomes null."""
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
