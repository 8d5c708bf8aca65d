"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from domain.errors import NboError
from serving.api.in_time import apart
from serving.api.problems import RETRY_SECONDS, ProblemError, documented
from serving.service.service import Service

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
        await apart(request, service.database.expect_writes)
    except NboError as error:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        raise ProblemError(503, "not-ready", error.what, headers=headers, remedy=error.remedy) from error
    return Ready(status="ready", bank=service.engine.bank.identity.name, versions=service.engine.decider.versions)
