"""Writing looks and acts down before they are answered."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import Request, Response

from records.audit import AuditEntry
from records.event_rows import microseconds
from serving.api.in_time import in_time
from serving.api.security import Caller
from serving.service.service import Service


async def noted(request: Request, caller: Caller, act: str, subject: str | None, detail: str | None = None) -> None:
    """Write a line of the audit; it is there when this returns.

    Raises:
        StateError: What cannot be written down is not done.
    """
    service: Service = request.app.state.service
    line = AuditEntry(at=microseconds(service.clock.now()), caller=caller.name, act=act, subject=subject, detail=detail)
    await in_time(request, asyncio.wrap_future(service.commits.submit(service.auditing, line)))


def as_json(content: Any) -> Response:
    """Answer with JSON; what is not a number is null."""
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
