"""Routes for decisions: decide, decide in batches, withdraw contacts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import TypeAdapter

from nbo_client.messages import Decision, Decisions, Withdrawal
from records.decision_writes import IdempotencyKey
from serving.api.models import BatchRequest, DecisionBody, Id, QuestionBody
from serving.api.problems import ProblemError, documented
from serving.api.requests import Handler, LimitedRequest, LimitedRoute, apart, as_json, in_time
from serving.api.security import Caller, Deciding, admitted
from serving.service.decision_queue import MOST_TOGETHER, IdempotencyClashError
from serving.service.decision_request import DecisionRequest
from serving.service.service import Service
from serving.service.withdrawal import ContactNotPendingError

router = APIRouter(prefix="/v1/decisions", tags=["decisions"], route_class=LimitedRoute)
_PROBLEMS = documented(400, 401, 403, 409, 413, 422, 429, 503)
_JSON: Final = "application/json"
_IDEMPOTENCY_KEY: Final[TypeAdapter[str | None]] = TypeAdapter(Id | None)
IdempotencyHeader = Annotated[Id | None, Header(description="Instead of `request_id`")]
DecisionId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]


class DirectRoute(LimitedRoute):
    """The route of single decisions, which takes valid requests past the framework's dependencies.

    They cost more than reading the request. Whatever is not valid goes through them, so that every problem is told in
    the same way as on the other routes.
    """

    async def answered(self, request: LimitedRequest, by_framework: Handler) -> Response:
        """Answer a request."""
        read = await _valid(request)
        if read is None:
            return await by_framework(request)
        body, idempotency_key = read
        return await decide(body, request, admitted(request, "decide"), idempotency_key)


async def decide(
    body: DecisionBody, request: Request, caller: Deciding, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Decide for one customer in one channel; the decision is durable before it is answered."""
    service: Service = request.app.state.service
    request_id = _request_id(request, body.request_id, idempotency_key)
    asked = _decision_request(body, dry_run=body.dry_run)
    identified = None if body.dry_run else _idempotency_key(caller, request_id, asked)
    with request.app.state.admission.one():
        answer = await _answered(request, service, asked, identified)
    return Response(answer, media_type="application/json")


router.add_api_route(
    "",
    decide,
    methods=["POST"],
    response_model=None,
    responses={200: {"model": Decision}, **_PROBLEMS},
    route_class_override=DirectRoute,
)


@router.post("/batch", response_model=None, responses={200: {"model": Decisions}, **_PROBLEMS})
async def decide_batch(
    body: BatchRequest, request: Request, caller: Deciding, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Decide for up to 500 customers; each decision is committed separately, and a retry finds those already made."""
    service: Service = request.app.state.service
    request_id = _request_id(request, body.request_id, idempotency_key)
    questions = [_decision_request(question, dry_run=body.dry_run) for question in body.decisions]
    for asked in questions:
        asked.check(service.engine)
    request.app.state.callers.charge_batch(caller, len(questions))
    answers: list[bytes] = []
    with request.app.state.admission.batch():
        for start in range(0, len(questions), MOST_TOGETHER):
            batch = questions[start : start + MOST_TOGETHER]
            names = [None if request_id is None else f"{request_id}\x1f{start + place}" for place in range(len(batch))]
            answers += await asyncio.gather(
                *(
                    _answered_in_batch(
                        request, service, asked, None if body.dry_run else _idempotency_key(caller, name, asked)
                    )
                    for asked, name in zip(batch, names, strict=True)
                )
            )
    return Response(b'{"decisions":[' + b",".join(answers) + b"]}", media_type="application/json")


@router.post(
    "/{decision_id}/withdrawal",
    response_model=None,
    responses={200: {"model": Withdrawal}, **documented(401, 403, 404, 409, 422, 429, 503)},
)
async def withdraw(decision_id: DecisionId, request: Request, caller: Deciding) -> Response:
    """Report that a contact will not be made: it no longer counts, and its budget claims are refunded.

    Repeating the call returns the first answer. A contact that was presented, or a decision that is no contact, is a
    problem (409).
    """
    service: Service = request.app.state.service
    try:
        return as_json(await apart(request, service.withdrawal.withdraw, decision_id, caller.name))
    except ContactNotPendingError as error:
        raise ProblemError(409, "not-pending", error.what, got=error.got, expected=error.expected) from error


async def _answered_in_batch(
    request: Request, service: Service, asked: DecisionRequest, identified: IdempotencyKey | None
) -> bytes:
    with service.instrumentation.question():
        return await _answered(request, service, asked, identified)


async def _answered(
    request: Request, service: Service, asked: DecisionRequest, identified: IdempotencyKey | None
) -> bytes:
    try:
        return await in_time(request, asyncio.wrap_future(service.decision_queue.ask(asked, identified)))
    except IdempotencyClashError as error:
        raise ProblemError(409, "request-clash", error.what, remedy=error.remedy) from error


async def _valid(request: LimitedRequest) -> tuple[DecisionBody, str | None] | None:
    """Read the body and the idempotency key of a header; return None if they do not fit.

    Raises:
        ProblemError: The body breaks a limit.
    """
    media_type, _, _ = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != _JSON:
        return None
    try:
        body = DecisionBody.model_validate(await request.json())
        return body, _IDEMPOTENCY_KEY.validate_python(request.headers.get("idempotency-key"))
    except ValueError:
        return None


def _decision_request(question: QuestionBody, *, dry_run: bool) -> DecisionRequest:
    return DecisionRequest(
        customer_id=question.customer_id,
        channel=question.channel,
        placements=tuple(question.placements),
        context=question.context,
        offers=question.offers,
        reasons=bool(question.reasons),
        dry_run=dry_run,
    )


def _request_id(request: Request, in_body: str | None, in_header: str | None) -> str | None:
    headers = set(request.headers.getlist("idempotency-key"))
    if len(headers) > 1:
        raise ProblemError(422, "not-fit", "headers name different requests", got=", ".join(sorted(headers)))
    if None not in (in_body, in_header) and in_body != in_header:
        raise ProblemError(422, "not-fit", "body and header name different requests", got=in_header, expected=in_body)
    return in_body if in_header is None else in_header


def _idempotency_key(caller: Caller, request_id: str | None, asked: DecisionRequest) -> IdempotencyKey | None:
    # neither an id nor a caller's name contains the separator
    return None if request_id is None else IdempotencyKey(f"{caller.name}\x1f{request_id}", asked.digest)
