"""Audit entries for reads and actions, written before the answer is sent."""

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
    """Write an audit entry and wait until it is committed.

    Raises:
        StateError: The entry could not be written; the action must not happen.
    """
    service: Service = request.app.state.service
    line = AuditEntry(at=microseconds(service.clock.now()), caller=caller.name, act=act, subject=subject, detail=detail)
    await in_time(request, asyncio.wrap_future(service.commits.submit(service.auditing, line)))


def as_json(content: Any) -> Response:
    """Return a JSON response; NaN becomes null."""
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
