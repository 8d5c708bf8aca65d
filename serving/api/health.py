"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import update

from domain.errors import NboError
from serving.api.problems import ProblemError, documented
from serving.journal.tables import GATE, READY
from serving.live.service import Service

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str


class Ready(BaseModel):
    """What stands behind the answers."""

    status: str
    bank: str
    versions: dict[str, str]


@router.get("/healthz")
async def alive() -> Alive:
    """Tell that the process answers; a supervisor ends one that does not."""
    return Alive(status="alive")


@router.get("/readyz", responses=documented(503))
async def ready(request: Request) -> Ready:
    """Tell whether decisions can be made and kept; a load balancer passes a replica by that cannot."""
    service: Service = request.app.state.service
    try:
        await asyncio.get_running_loop().run_in_executor(None, _tried, service)
    except NboError as error:
        raise ProblemError(503, "not-ready", error.what, remedy=error.remedy) from error
    return Ready(status="ready", bank=service.engine.bank.identity.name, versions=service.engine.decider.versions)


def _tried(service: Service) -> None:
    """Write a row: a database that is full, locked or without its tables still answers questions."""
    with service.database.transaction() as connection:
        connection.execute(service.database.add(GATE), {"name": READY, "moment": 0})
        connection.execute(update(GATE).where(GATE.c.name == READY).values(moment=1 - GATE.c.moment))
