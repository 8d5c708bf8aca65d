"""A blocking ASGI client of an application in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

Result = TypeVar("Result")


class Client:
    """Sends requests to an application in an event loop of its own."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = dict(headers)
        self._loop = loop
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://nbo")

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        sent = {**self.headers, **(headers or {})}
        return self.wait(self._client.request(method, url, headers=sent, **more))

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self.request("POST", url, **more)

    def put(self, url: str, **more: Any) -> httpx.Response:
        return self.request("PUT", url, **more)

    def delete(self, url: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", url, **more)

    def together(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Send all requests concurrently."""

        async def all_of_them() -> list[httpx.Response]:
            sending = (
                self._client.request(method, url, headers=self.headers, **more) for method, url, more in requests
            )
            return list(await asyncio.gather(*sending))

        return self.wait(all_of_them())

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    def close(self) -> None:
        self.wait(self._client.aclose())


@contextmanager
def running(app: FastAPI, headers: Mapping[str, str]) -> Iterator[Client]:
    """Run an application for the length of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=60)

    lifespan = app.router.lifespan_context(app)
    try:
        wait(lifespan.__aenter__())
        client = Client(app, loop, headers)
        try:
            yield client
        finally:
            client.close()
            wait(lifespan.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
