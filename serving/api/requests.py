"""Reading bodies within limits: of size, of depth, and of what JSON may say."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final
from urllib.parse import unquote

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from serving.api.problems import ProblemError
from serving.api.security import authenticated

DEEPEST: Final = 16
"""Levels of lists and objects in one body; what is asked and told has five."""

_CLOUD_EVENT: Final = "ce-"
_SPEC: Final = "ce-specversion"
_NO_DATA: Final = b"{}"


class LimitedRequest(Request):
    """A request whose body is read as JSON without NaN, not too large and not too deep."""

    async def body(self) -> bytes:
        """Read the body.

        Raises:
            ProblemError: 413.
        """
        if not hasattr(self, "_body"):
            largest: int = self.app.state.largest_body
            declared = self.headers.get("content-length", "0")
            if declared.isdigit() and int(declared) > largest:
                raise _too_large(largest)
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > largest:
                    raise _too_large(largest)
                chunks.append(chunk)
            # the framework reads no JSON of an empty body; a CloudEvent in binary mode may have no data
            self._body = b"".join(chunks) or (_NO_DATA if self._is_cloud_event else b"")
        return self._body

    async def json(self) -> Any:
        """Read the body as JSON; a CloudEvent in binary mode is put together from headers and body."""
        body = await self.body()
        content = orjson.loads(body)
        if depth_of(content, DEEPEST) > DEEPEST:
            raise ProblemError(422, "not-fit", "the body is too deep", expected=f"at most {DEEPEST} levels")
        json.loads(body, object_pairs_hook=_no_key_twice)
        if self._is_cloud_event:
            return {**self._cloud_event(), "data": content}
        return content

    @property
    def _is_cloud_event(self) -> bool:
        return _SPEC in self.headers

    def _cloud_event(self) -> dict[str, str]:
        """Read the attributes of a CloudEvent in binary mode, which are percent-encoded in headers."""
        return {
            name.removeprefix(_CLOUD_EVENT): unquote(value)
            for name, value in self.headers.items()
            if name.startswith(_CLOUD_EVENT)
        }


class LimitedRoute(APIRoute):
    """A route that reads its requests so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            # before anything of the body is read
            authenticated(request)
            scope = request.scope
            if _SPEC in request.headers and "content-type" not in request.headers:
                # what has no data has no kind of data either, and the framework reads nothing without
                scope = {**scope, "headers": [*scope["headers"], (b"content-type", b"application/json")]}
            return await handle(LimitedRequest(scope, request.receive))

        return limited


def depth_of(content: Any, at_most: int) -> int:
    """Count the levels of lists and objects; one more than `at_most` stands for any more.

    Example:
        >>> depth_of({"a": [1, {"b": 2}]}, 10), depth_of([[[]]], 1), depth_of(5, 3)
        (3, 2, 0)
    """
    level, nested = 0, _containers([content])
    while nested and level <= at_most:
        level += 1
        inner = (member for one in nested for member in (one.values() if isinstance(one, dict) else one))
        nested = _containers(inner)
    return level


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ProblemError(422, "not-fit", "an object says the same twice", got=twice[:100], expected="each key once")
    return said


def _containers(members: Iterable[Any]) -> list[Any]:
    return [member for member in members if isinstance(member, dict | list)]


def _too_large(largest: int) -> ProblemError:
    return ProblemError(413, "too-large", "the body is too large", expected=f"at most {largest:,} bytes")
