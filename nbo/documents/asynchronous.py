"""The asynchronous client nbo_client/asynchronous.py, generated from the synchronous one."""

from __future__ import annotations

import re
from typing import Final

_REPLACED: Final = (
    (
        '"""The synchronous client of the service."""',
        '"""The asynchronous client of the service; written by `make docs` from client.py: change that."""',
    ),
    ("import time\n", "import asyncio\n"),
    ("class NboClient:", "class AsyncNboClient:"),
    (
        '"""Synchronous client of the service, safe to share between threads.',
        '"""Asynchronous client of the service, safe to share between tasks.',
    ),
    ("with NboClient(", "async with AsyncNboClient("),
    ("httpx.BaseTransport", "httpx.AsyncBaseTransport"),
    ("httpx.Client(", "httpx.AsyncClient("),
    ("def __enter__", "def __aenter__"),
    ("def __exit__", "def __aexit__"),
    ("self._http.close()", "await self._http.aclose()"),
    ("        self.close()", "        await self.close()"),
    ("time.sleep(", "await asyncio.sleep("),
    ("steps.send(self._sent(", "steps.send(await self._sent("),
    ("return self._http.request(", "return await self._http.request("),
)
_PART_OF_ANSWER: Final = re.compile(r"(return |\.\.\. +)(self\._do|client\.\w+)(\(.+\))(\.[\w.\[\]]+)$", re.MULTILINE)
_METHOD: Final = re.compile(r"^    def (?!__init__)", re.MULTILINE)


def asynchronous_client(synchronous: str) -> str:
    """Write the client: every method of the synchronous one, awaited.

    Args:
        synchronous: Source of `nbo_client.client`.

    Raises:
        ValueError: The source no longer has what is replaced.
    """
    text = synchronous
    for was, becomes in _REPLACED:
        if was not in text:
            raise ValueError(f"nbo_client/client.py has no {was!r} any more; change nbo/documents/asynchronous.py")
        text = text.replace(was, becomes)
    text = _PART_OF_ANSWER.sub(r"\1(await \2\3)\4", text)
    text = text.replace("return self._do(", "return await self._do(")
    return _METHOD.sub("    async def ", text)
