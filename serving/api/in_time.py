"""The answer deadline: callers are told to retry before they give up by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request

from domain.errors import StateError

Answer = TypeVar("Answer")


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
