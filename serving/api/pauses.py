"""Routes of the stop button: pause, resume, and read what is paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.pause import Pause, PauseScope
from nbo_client.messages import Paused, PauseInForce, Pauses
from serving.api.models import Moment, Name, Strict
from serving.api.problems import documented
from serving.api.requests import LimitedRoute, apart, as_json
from serving.api.security import Administering, Reading
from serving.service.pauses import LONGEST_TEXT
from serving.service.service import Service

router = APIRouter(prefix="/v1/pauses", tags=["pauses"], route_class=LimitedRoute)
_PROBLEMS = documented(400, 401, 403, 413, 422, 429, 503)

Words = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ResumeBody(Strict):
    """What is resumed, and by whom."""

    scope: Literal["offer", "channel", "outbound"]
    name: Name | None = Field(default=None, description="The offer or channel; nothing for all outbound channels")
    by: Words = Field(description="Name of the person")


class PauseBody(ResumeBody):
    """What is paused, by whom, why and until when."""

    reason: Words
    until: Moment


@router.get("", response_model=None, responses={200: {"model": Pauses}, **documented(401, 403, 429, 503)})
async def pauses(request: Request, caller: Reading) -> Response:
    """Return the pauses in force."""
    service: Service = request.app.state.service
    return as_json(_all(await apart(request, service.pauses.in_force)))


@router.post("", response_model=None, responses={200: {"model": Paused}, **_PROBLEMS})
async def pause(body: PauseBody, request: Request, caller: Administering) -> Response:
    """Pause an offer, a channel or all outbound channels; it is audited.

    From the answer on, no waiting contact in its scope is handed over, and this replica decides accordingly; other
    replicas follow within the swap time.
    """
    service: Service = request.app.state.service

    def press() -> Paused:
        result = service.pauses.pause(
            PauseScope(body.scope),
            body.name or "",
            reason=body.reason,
            by=body.by,
            until=body.until,
            caller=caller.name,
        )
        service.read_pauses()
        return Paused(**asdict(_one(result.pause)), caught=result.caught, left=result.left)

    return as_json(await apart(request, press))


@router.post("/resume", response_model=None, responses={200: {"model": Pauses}, **documented(404), **_PROBLEMS})
async def resume(body: ResumeBody, request: Request, caller: Administering) -> Response:
    """End a pause and return those that stay in force; it is audited."""
    service: Service = request.app.state.service

    def release() -> Pauses:
        service.pauses.resume(PauseScope(body.scope), body.name or "", by=body.by, caller=caller.name)
        service.read_pauses()
        return _all(service.pauses.in_force())

    return as_json(await apart(request, release))


def _all(pauses: Sequence[Pause]) -> Pauses:
    return Pauses(tuple(_one(pause) for pause in pauses))


def _one(pause: Pause) -> PauseInForce:
    return PauseInForce(pause.scope.value, pause.name, pause.reason, pause.by, pause.paused_at, pause.until)
