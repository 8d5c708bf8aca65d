"""Request bodies with limits on size, depth and duplicate keys."""

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
"""Maximum nesting of lists and objects in a body; the API's own bodies have five levels."""

_CLOUD_EVENT: Final = "ce-"
_SPEC: Final = "ce-specversion"
_NO_DATA: Final = b"{}"


class LimitedRequest(Request):
    """A request whose body is read as JSON without NaN, and with limits on size and depth."""

    async def body(self) -> bytes:
        """Read the body.

        Raises:
            ProblemError: 413 if it is too large.
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
            # the framework does not parse an empty body, but a CloudEvent in binary mode may have no data
            self._body = b"".join(chunks) or (_NO_DATA if self._is_cloud_event else b"")
        return self._body

    async def json(self) -> Any:
        """Read the body as JSON; a CloudEvent in binary mode is assembled from headers and body."""
        body = await self.body()
        content = orjson.loads(body)
        if depth_of(content, DEEPEST) > DEEPEST:
            raise ProblemError(422, "not-fit", "the body is too deep", expected=f"at most {DEEPEST} levels")
        json.loads(body, object_pairs_hook=_unique_keys)
        if self._is_cloud_event:
            return {**self._cloud_event(), "data": content}
        return content

    @property
    def _is_cloud_event(self) -> bool:
        return _SPEC in self.headers

    def _cloud_event(self) -> dict[str, str]:
        """Read the attributes of a CloudEvent in binary mode, percent-decoding their headers."""
        return {
            name.removeprefix(_CLOUD_EVENT): unquote(value)
            for name, value in self.headers.items()
            if name.startswith(_CLOUD_EVENT)
        }


class LimitedRoute(APIRoute):
    """A route whose requests are limited."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that authenticates and limits each request."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            # before any of the body is read
            authenticated(request)
            scope = request.scope
            if _SPEC in request.headers and "content-type" not in request.headers:
                # without data there is no content type, and the framework parses no body without one
                scope = {**scope, "headers": [*scope["headers"], (b"content-type", b"application/json")]}
            return await handle(LimitedRequest(scope, request.receive))

        return limited


def depth_of(content: Any, at_most: int) -> int:
    """Return the nesting depth of lists and objects; counting stops at `at_most` + 1.

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


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ProblemError(422, "not-fit", "an object repeats a key", got=twice[:100], expected="each key once")
    return parsed


def _containers(members: Iterable[Any]) -> list[Any]:
    return [member for member in members if isinstance(member, dict | list)]


def _too_large(largest: int) -> ProblemError:
    return ProblemError(413, "too-large", "the body is too large", expected=f"at most {largest:,} bytes")
