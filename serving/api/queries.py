"""Routes for reading decisions, offers and scores."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from nbo_client.messages import Catalogue, Explanation, Replay, Scores, StoredDecision
from serving.api.decisions import DecisionId
from serving.api.models import Id, Name, Strict
from serving.api.problems import documented
from serving.api.requests import LimitedRoute, apart, as_json, noted
from serving.api.security import Administering, Caller, Deciding, Reading
from serving.service.service import Service

router = APIRouter(prefix="/v1", tags=["looks"], route_class=LimitedRoute)
_PROBLEMS = documented(401, 403, 404, 422, 429, 503)


class ScoreBody(Strict):
    """The customer whose scores are requested."""

    customer_id: Id
    channel: Name | None = None


@router.get("/decisions/{decision_id}", response_model=None, responses={200: {"model": StoredDecision}, **_PROBLEMS})
async def look(decision_id: DecisionId, request: Request, caller: Reading) -> Response:
    """Return a decision and its outcomes; the access is audited."""
    service: Service = request.app.state.service
    return await _shown(request, caller, "look at a decision", service.queries.decision, decision_id)


@router.get(
    "/decisions/{decision_id}/explanation",
    response_model=None,
    responses={200: {"model": Explanation}, **_PROBLEMS},
)
async def explain(decision_id: DecisionId, request: Request, caller: Reading) -> Response:
    """Explain a decision: every rule's verdict on every candidate; the access is audited."""
    service: Service = request.app.state.service
    return await _shown(request, caller, "look at an explanation", service.queries.explanation, decision_id)


@router.post("/decisions/{decision_id}/replay", response_model=None, responses={200: {"model": Replay}, **_PROBLEMS})
async def replay(decision_id: DecisionId, request: Request, caller: Administering) -> Response:
    """Decide again from the stored inputs and compare; nothing is written."""
    service: Service = request.app.state.service
    customer_id, found = await apart(request, service.queries.replay, decision_id)
    await noted(request, caller, "replay a decision", customer_id, decision_id)
    return as_json(found)


@router.get("/offers", response_model=None, responses={200: {"model": Catalogue}, **documented(401, 403, 429)})
async def offers(request: Request, caller: Deciding) -> Response:
    """Return the offers of the current catalogue."""
    service: Service = request.app.state.service
    return as_json(service.queries.offers())


@router.post(
    "/scores",
    response_model=None,
    responses={200: {"model": Scores}, **documented(400, 401, 403, 413, 422, 429, 503)},
)
async def scores(body: ScoreBody, request: Request, caller: Reading) -> Response:
    """Return the models' probabilities for a customer without deciding; the access is audited."""
    service: Service = request.app.state.service
    await noted(request, caller, "look at scores", body.customer_id)
    return as_json(await apart(request, service.queries.scores, body.customer_id, body.channel))


async def _shown(
    request: Request,
    caller: Caller,
    act: str,
    look: Callable[[str], StoredDecision | Explanation],
    decision_id: str,
) -> Response:
    """Read a decision, audit the access, and return the content."""
    found = await apart(request, look, decision_id)
    await noted(request, caller, act, found.customer_id, decision_id)
    return as_json(found)
