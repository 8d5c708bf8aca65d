"""Answering in time: whoever asks is told to come again before they give up by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request

from domain.errors import StateError

Answer = TypeVar("Answer")


async def in_time(request: Request, answer: Awaitable[Answer]) -> Answer:
    """Wait for an answer, but not for longer than the service's setting says.

    What was begun goes on: it may still be done, so asking again under the same id finds out.

    Raises:
        StateError: It did not come in time.
    """
    try:
        return await asyncio.wait_for(answer, request.app.state.service.settings.answer_seconds)
    except TimeoutError:
        raise StateError(
            "no answer in time: what the service keeps is locked, or its database does not answer"
        ) from None


async def apart(request: Request, work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Do work that takes a while in a thread of its own, so that decisions do not wait for it.

    Raises:
        StateError: It took too long.
    """
    return await in_time(request, asyncio.get_running_loop().run_in_executor(None, work, *arguments))
