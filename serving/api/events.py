"""Route for submitting events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Body, Request

from nbo_client.messages import EventResult, EventResults
from records.ingestion import EventStatus
from records.validation import EventRefusedError, SubmittedEvent
from serving.api.models import CloudEventIn, EventIn, Events, Unread
from serving.api.problems import ProblemError, documented
from serving.api.requests import LimitedRoute, in_time
from serving.api.security import Listening
from serving.service.service import Service

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=LimitedRoute)


@router.post("", responses=documented(400, 401, 403, 413, 422, 429, 503))
async def tell(body: Annotated[Events, Body()], request: Request, caller: Listening) -> EventResults:
    """Accept one event or up to 500, also as CloudEvents; accepted events are durable and count at once.

    The valid events of a batch are accepted and the others reported; a single invalid event is a problem.
    """
    service: Service = request.app.state.service
    received: Sequence[EventIn | CloudEventIn | Unread] = body if isinstance(body, list) else [body]
    submitted = {place: submitted_event(event) for place, event in enumerate(received) if not isinstance(event, Unread)}
    request.app.state.callers.charge_batch(caller, len(received))
    ingested = service.ingestion.ingest(list(submitted.values()))
    if ingested.refused and not isinstance(body, list):
        error = ingested.refused[0]
        raise ProblemError(
            422, error.reason.value, error.what, got=error.got, expected=error.expected, remedy=error.remedy
        )
    committed = await in_time(request, asyncio.wrap_future(ingested.fates))
    fates = dict(zip(ingested.places, committed, strict=True))
    service.instrumentation.ingested(committed, len(ingested.refused) + len(received) - len(submitted))
    results = {
        place: _result(one, fates.get(number), ingested.refused.get(number))
        for number, (place, one) in enumerate(submitted.items())
    }
    results |= {
        place: EventResult(event_id=one.event_id, fate="refused", reason="not_fit", detail=one.detail)
        for place, one in enumerate(received)
        if isinstance(one, Unread)
    }
    accepted = sum(fate is EventStatus.ACCEPTED for fate in fates.values())
    return EventResults(accepted=accepted, results=tuple(results[place] for place in range(len(received))))


def _result(event: SubmittedEvent, fate: EventStatus | None, refused: EventRefusedError | None) -> EventResult:
    if refused is not None:
        return EventResult(event_id=event.event_id, fate="refused", reason=refused.reason.value, detail=str(refused))
    assert fate is not None
    return EventResult(event_id=event.event_id, fate=fate.value, detail=MEANINGS.get(fate))


MEANINGS: Final[Mapping[EventStatus, str]] = {
    EventStatus.ERASED: "the customer was erased: what was known of them before does not come back",
    EventStatus.CONFLICT: "the id belongs to another event, which came first and stays",
    EventStatus.STRAY: "the customer has no such decision: the event is stored apart and does not count",
}
"""What a status means to whoever submitted the event, where it does not speak for itself."""


def submitted_event(event: EventIn | CloudEventIn) -> SubmittedEvent:
    """Return the event of a body as ingestion takes it."""
    if isinstance(event, EventIn):
        return SubmittedEvent(**event.model_dump())
    data = event.data
    return SubmittedEvent(
        event_id=event.event_id,
        customer_id=event.subject or data.customer_id or "",
        type=event.type.rpartition(".")[2],
        occurred_at=event.time,
        channel=data.channel,
        product=data.product,
        amount=data.amount,
        properties=data.properties,
        decision_id=data.decision_id,
    )
