"""Routes for customers: read, change consents, erase."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, StrictBool

from domain.errors import DataError, nearest
from events.vocabulary import ATTRIBUTES_TYPE
from nbo_client.messages import ConsentChanged, Customer, Receipt
from records.validation import SubmittedEvent
from serving.api.models import Id, Name, Strict
from serving.api.problems import documented, problem_of
from serving.api.requests import LimitedRoute, apart, as_json, in_time, noted
from serving.api.security import Administering, Listening, Reading
from serving.service.service import Service

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=LimitedRoute)
CustomerId = Annotated[Id, Path()]


class ConsentBody(Strict):
    """Consents that a customer gives or refuses from now on."""

    consents: dict[Name, StrictBool] = Field(min_length=1, max_length=50, description="Boolean attributes")
    event_id: Id | None = Field(default=None, description="Repeating an id changes nothing")


@router.get(
    "/{customer_id}",
    response_model=None,
    responses={200: {"model": Customer}, **documented(401, 403, 404, 422, 429, 503)},
)
async def look(customer_id: CustomerId, request: Request, caller: Reading) -> Response:
    """Return a customer's profile, stages, products, limits and decisions; the access is audited."""
    service: Service = request.app.state.service
    await noted(request, caller, "look at a customer", customer_id)
    return as_json(await apart(request, service.queries.customer, customer_id))


@router.put("/{customer_id}/consents", responses=documented(400, 401, 403, 413, 422, 429, 503))
async def change_consents(
    customer_id: CustomerId, body: ConsentBody, request: Request, caller: Listening
) -> ConsentChanged:
    """Record consents given or withdrawn: an event like any other, which counts from the next decision on."""
    service: Service = request.app.state.service
    attributes = service.engine.bank.vocabulary.attributes
    yes_or_no = [name for name, declared in attributes.items() if declared.type == "boolean"]
    for name in body.consents:
        if name not in yes_or_no:
            raise DataError("no such consent", got=f"'{name}'", expected=nearest(name, yes_or_no))
    event_id = body.event_id or f"consent-{uuid4().hex}"
    event = SubmittedEvent(
        event_id=event_id, customer_id=customer_id, type=ATTRIBUTES_TYPE, properties=dict(body.consents)
    )
    await noted(request, caller, "change consents", customer_id, ", ".join(sorted(body.consents)))
    ingested = service.ingestion.ingest([event])
    for error in ingested.refused.values():
        raise problem_of(error)
    [fate] = await in_time(request, asyncio.wrap_future(ingested.fates))
    return ConsentChanged(event_id=event_id, fate=fate.value)


@router.delete(
    "/{customer_id}",
    response_model=None,
    responses={200: {"model": Receipt}, **documented(401, 403, 422, 429, 503)},
)
async def erase(customer_id: CustomerId, request: Request, caller: Administering) -> Response:
    """Erase all data of a customer and return a receipt; repeating it erases what arrived since."""
    service: Service = request.app.state.service
    await apart(request, service.database.expect_writes)
    # not limited by the answer deadline: it searches files and takes as long as that needs
    erasing = asyncio.get_running_loop().run_in_executor(None, service.erasure.erase, customer_id, caller.name)
    return as_json(await erasing)
