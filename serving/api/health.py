"""Routes for liveness and readiness."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from domain.errors import NboError
from nbo_client.messages import Ready
from serving.api.problems import RETRY_SECONDS, ProblemError, documented
from serving.api.requests import apart
from serving.service.service import Service

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process is alive.

    Attributes:
        status: `alive`.
    """

    status: str


@router.get("/healthz")
async def alive() -> Alive:
    """Report that the process answers; a supervisor restarts one that does not."""
    return Alive(status="alive")


@router.get("/readyz", responses=documented(503))
async def ready(request: Request) -> Ready:
    """Report whether decisions can be made and stored; a load balancer skips a replica that is not ready."""
    service: Service = request.app.state.service
    try:
        await apart(request, service.database.expect_writes)
    except NboError as error:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        raise ProblemError(503, "not-ready", error.what, headers=headers, remedy=error.remedy) from error
    engine = service.engine
    paused = tuple(pause.target for pause in engine.bank.pauses)
    return Ready(status="ready", bank=engine.bank.identity.name, versions=engine.decider.versions, paused=paused)
