"""Bodies of requests, as OpenAPI describes them; answers are the messages of `nbo_client`."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic import Strict as Exactly

from domain.errors import DataError
from domain.ids import LONGEST_ID, fit_id
from serving.api.json_bodies import read_json

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)")


def _as_id(text: str) -> str:
    try:
        return fit_id(text, "id")
    except DataError as error:
        raise ValueError(str(error)) from error


def _moment_text(moment: object) -> object:
    if not isinstance(moment, str) or _MOMENT.fullmatch(moment) is None:
        raise ValueError("a moment is written as 2026-03-29T10:15:00+02:00, with its offset")
    return moment


Id = Annotated[str, Field(min_length=1, max_length=4 * LONGEST_ID), AfterValidator(_as_id)]
"""An id, normalised (`domain.ids`) as in imported files."""

Moment = Annotated[AwareDatetime, BeforeValidator(_moment_text)]

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
FiniteNumber = Annotated[float, Exactly(), Field(allow_inf_nan=False)]
Said = Text | StrictBool | FiniteNumber | None
MOST_IN_BATCH = 500


class Strict(BaseModel):
    """A body in which unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class QuestionBody(Strict):
    """The best offers now, for this customer, in this channel."""

    customer_id: Id = Field(
        description="Customer to decide for; an unknown one gets the answer of a customer without history"
    )
    channel: Name = Field(description="One of the bank's channels")
    placements: list[Name] = Field(default=[], max_length=20, description="Placements to fill, most important first")
    context: dict[Name, Said] = Field(default={}, max_length=50, description="As events.yaml declares under `request`")
    offers: Annotated[int, Exactly()] | None = Field(default=None, ge=1, le=50, description="Maximum number of offers")
    reasons: StrictBool | None = Field(default=None, description="Say what moved the model most; it takes longer")


class DecisionBody(QuestionBody):
    """A request with an id, so that a retry gets the same answer."""

    request_id: Id | None = Field(default=None, description="The same id and request give the same answer, for 35 days")
    dry_run: StrictBool = Field(default=False, description="Write, count and spend nothing")


class BatchRequest(Strict):
    """Several requests.

    Attributes:
        decisions: The questions; each decision is committed by itself.
    """

    request_id: Id | None = None
    dry_run: StrictBool = False
    decisions: list[QuestionBody] = Field(min_length=1, max_length=MOST_IN_BATCH)


class EventIn(Strict):
    """Something that happened."""

    event_id: Id
    customer_id: Id
    type: Name
    occurred_at: Moment | None = Field(default=None, description="With a UTC offset; the current moment by default")
    channel: Name | None = None
    product: Name | None = None
    amount: FiniteNumber | None = None
    properties: dict[Name, Text | StrictBool | FiniteNumber] = Field(default={}, max_length=50)
    decision_id: Id | None = Field(default=None, description="The decision that this answers")


class CloudEventData(Strict):
    """Data of a CloudEvent.

    Attributes:
        customer_id: Id of the customer; null if the subject names the customer.
    """

    customer_id: Id | None = None
    channel: Name | None = None
    product: Name | None = None
    amount: FiniteNumber | None = None
    properties: dict[Name, Text | StrictBool | FiniteNumber] = Field(default={}, max_length=50)
    decision_id: Id | None = None


class CloudEventIn(BaseModel):
    """A CloudEvent 1.0: `subject` is the customer, `type` ends with the bank's name of the event.

    Attributes:
        specversion: Version of CloudEvents.
        id: Unique for its source; with the source it makes the event's id.
        source: Where the event comes from.
        type: The bank's name of the event, or one that ends with a dot and that name.
        subject: Id of the customer; null if the data name the customer.
        time: When it happened, with a UTC offset; the current moment by default.
        data: What the event says.
    """

    model_config = ConfigDict(extra="allow")  # extension attributes are allowed and ignored

    specversion: Literal["1.0"]
    id: Id
    source: Id
    type: Name
    subject: Id | None = None
    time: Moment | None = None
    data: CloudEventData = CloudEventData()

    @model_validator(mode="before")
    @classmethod
    def _decoded(cls, raw: Any) -> Any:
        """Decode data sent as base64."""
        if not isinstance(raw, dict) or raw.get("data_base64") is None:
            return raw
        if raw.get("data") is not None:
            raise ValueError("a CloudEvent has data or data_base64, not both")
        try:
            data = read_json(b64decode(raw["data_base64"], validate=True))
        except (ValueError, TypeError, DataError) as error:
            raise ValueError("data_base64 is not base64-encoded JSON with each key once") from error
        return {**{name: value for name, value in raw.items() if name != "data_base64"}, "data": data}

    @model_validator(mode="after")
    def _of_one_customer(self) -> Self:
        if None not in (self.subject, self.data.customer_id) and self.subject != self.data.customer_id:
            raise ValueError("subject and data.customer_id name different customers")
        return self

    @property
    def event_id(self) -> str:
        """Source and id, joined by the first #; the source is escaped, so no two pairs share an event id."""
        return f"{self.source.replace('%', '%25').replace('#', '%23')}#{self.id}"


def _kind(event: Any) -> str:
    if isinstance(event, list):
        return "batch"
    fields = event if isinstance(event, dict) else {}
    return "cloud_event" if "specversion" in fields or isinstance(event, CloudEventIn) else "event"


OneEvent = Annotated[
    Annotated[EventIn, Tag("event")] | Annotated[CloudEventIn, Tag("cloud_event")], Discriminator(_kind)
]


@dataclass(frozen=True, slots=True)
class Unread:
    """An event of a batch that cannot be parsed; the others are unaffected.

    Attributes:
        event_id: Id as sent; empty if there was none.
        detail: Which field is wrong, and how.
    """

    event_id: str
    detail: str


def _or_unread(raw: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(raw)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        event_id = raw.get("event_id", raw.get("id")) if isinstance(raw, dict) else None
        at = ".".join(map(str, wrong["loc"][1:])) or "event"
        return Unread(event_id[:LONGEST_ID] if isinstance(event_id, str) else "", f"{at}: {wrong['msg']}")


_OfABatch = Annotated[OneEvent, WrapValidator(_or_unread)]
Events = Annotated[
    Annotated[EventIn, Tag("event")]
    | Annotated[CloudEventIn, Tag("cloud_event")]
    | Annotated[
        list[Annotated[OneEvent, WrapValidator(_or_unread)]],
        Field(min_length=1, max_length=MOST_IN_BATCH),
        Tag("batch"),
    ],
    Discriminator(_kind),
]
