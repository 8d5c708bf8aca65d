"""Messages of a topic as submitted events: CloudEvents 1.0, structured or binary, or events as the API takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.errors import DataError
from records.validation import SubmittedEvent
from serving.api.events import submitted_event
from serving.api.json_bodies import read_json
from serving.api.models import CloudEventIn, EventIn, OneEvent

_ATTRIBUTE: Final = "ce_"
_SPEC: Final = "ce_specversion"
_EVENT: Final[TypeAdapter[EventIn | CloudEventIn]] = TypeAdapter(OneEvent)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a topic.

    Attributes:
        topic: Name of the topic.
        partition: Partition of the topic.
        offset: Position in the partition.
        value: Content; None for a tombstone.
        headers: Headers by name; of a repeated name the last one.
    """

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


def event_of(message: Message) -> SubmittedEvent:
    """Read the event of a message.

    A CloudEvent in binary mode has its attributes in headers that begin with `ce_` and its data as content, as the
    [Kafka binding](https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md) says;
    everything else is JSON: a structured CloudEvent, or an event as `POST /v1/events` takes it.

    Raises:
        DataError: It is not JSON, or not an event.

    Example:
        >>> plain = b'{"event_id": "e1", "customer_id": "C1", "type": "app_login"}'
        >>> event_of(Message("customer-events", 0, 12, plain)).type
        'app_login'
    """
    try:
        content = read_json(message.value or (b"{}" if _SPEC in message.headers else b""))
        if _SPEC in message.headers:
            content = {**_attributes(message.headers), "data": content}
    except ValueError as error:  # of JSON, and of headers that are not UTF-8
        raise DataError("the message is not JSON", got=type(error).__name__, expected="one event as JSON") from error
    try:
        return submitted_event(_EVENT.validate_python(content))
    except ValidationError as error:
        raise _unfit(error) from error


def _attributes(headers: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        name.removeprefix(_ATTRIBUTE): value.decode() for name, value in headers.items() if name.startswith(_ATTRIBUTE)
    }


def _unfit(error: ValidationError) -> DataError:
    # neither the value nor anything else of the message: refusals are logged
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    at = ".".join(str(part) for part in first["loc"][1:]) or "event"
    return DataError(f"the message is not an event: {at}: {first['msg']}")
