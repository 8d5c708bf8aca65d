"""The real application behind both clients: over ASGI, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.serving.api.client import Client


class Bridge(httpx.BaseTransport):
    """Lets a client that waits talk to an application that runs in a loop.

    `fails` may break a request before (`"lost"`) or after (`"cut"`) the application has heard it.
    """

    def __init__(self, client: Client, fails: Callable[[int], str | None] = lambda attempt: None) -> None:
        self._client = client
        self._asgi = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        self._fails = fails
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._client.wait(self.handle_async_request(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        failure = self._fails(len(self.requests))
        if failure == "lost":
            raise httpx.ConnectError("nobody listens", request=request)
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        response = await self._asgi.handle_async_request(sent)
        content = await response.aread()
        if failure == "cut":
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return httpx.Response(response.status_code, headers=response.headers, content=content)


class AsyncBridge(httpx.AsyncBaseTransport):
    """The same for the client that is awaited, in the application's loop."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._bridge.handle_async_request(request)


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
