"""Routes of rollouts: where they stand, and the way back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import Field

from nbo_client.messages import BackAsked, Rollouts
from serving.api.models import Strict
from serving.api.pauses import Words
from serving.api.problems import documented
from serving.api.requests import LimitedRoute, apart, as_json, noted
from serving.api.security import Administering, Reading
from serving.service.service import Service

router = APIRouter(prefix="/v1/rollout", tags=["rollout"], route_class=LimitedRoute)


class BackBody(Strict):
    """Who takes the model back, and why."""

    by: Words = Field(description="Name of the person")
    reason: Words


@router.get("", response_model=None, responses={200: {"model": Rollouts}, **documented(401, 403, 429, 503)})
async def rollouts(request: Request, caller: Reading) -> Response:
    """Return where rollouts stand and what their gates said, as of the last watch or step."""
    service: Service = request.app.state.service
    found = await apart(request, service.files.rollout)
    return as_json({"rollouts": [] if found is None else [found.to_json()]})


@router.post(
    "/back",
    response_model=None,
    responses={200: {"model": BackAsked}, **documented(400, 401, 403, 413, 422, 429, 503)},
)
async def back(body: BackBody, request: Request, caller: Administering) -> Response:
    """End the rollout under way, or else put the former champion back in charge; it is audited.

    The process that publishes models does it, and every replica follows within the swap time.
    """
    service: Service = request.app.state.service
    await noted(request, caller, "take a model back", None, f"by {body.by}: {body.reason}")
    await apart(request, service.files.ask_back, body.by, body.reason, caller.name)
    return as_json({"status": "asked"})
