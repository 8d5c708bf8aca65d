from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from serving.topics.messages import Message, event_of

DATA = b'{"channel": "app", "amount": 12.5, "properties": {"screen": "loans"}}'
STRUCTURED = (
    b'{"specversion": "1.0", "id": "7", "source": "/app", "type": "bank.app_login", "subject": "C1", '
    b'"time": "2026-03-02T10:00:00+01:00", "data": ' + DATA + b"}"
)
HEADERS = {
    "ce_specversion": b"1.0",
    "ce_id": b"7",
    "ce_source": b"/app",
    "ce_type": b"bank.app_login",
    "ce_subject": b"C1",
    "ce_time": b"2026-03-02T10:00:00+01:00",
    "content-type": b"application/json",
}


def message(value: bytes | None, headers: dict[str, bytes] | None = None) -> Message:
    return Message("customer-events", 0, 1, value, headers or {})


def test_a_cloud_event_is_the_same_event_in_both_modes() -> None:
    structured = event_of(message(STRUCTURED, {"content-type": b"application/cloudevents+json"}))
    assert event_of(message(DATA, HEADERS)) == structured
    assert structured.event_id == "/app#7"
    assert (structured.customer_id, structured.type, structured.amount) == ("C1", "app_login", 12.5)
    assert structured.occurred_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert dict(structured.properties) == {"screen": "loans"}


def test_data_may_be_encoded_and_may_be_missing() -> None:
    encoded = STRUCTURED.replace(b'"data": ' + DATA, b'"data_base64": "' + b64encode(DATA) + b'"')
    assert event_of(message(encoded)) == event_of(message(STRUCTURED))
    assert event_of(message(None, HEADERS)).channel is None


def test_an_event_may_come_as_the_api_takes_it() -> None:
    plain = event_of(message(b'{"event_id": "e1", "customer_id": " C1 ", "type": "app_login"}'))
    assert (plain.event_id, plain.customer_id, plain.occurred_at) == ("e1", "C1", None)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "the message is not JSON: got JSONDecodeError, expected one event as JSON"),
        (b"\xff\xfe", "the message is not JSON: got JSONDecodeError, expected one event as JSON"),
        (b'{"event_id": "e1"', "the message is not JSON: got JSONDecodeError, expected one event as JSON"),
        (b'{"event_id": "e1", "event_id": "e2"}', "an object repeats a key: got event_id, expected each key once"),
        (b"[" * 20 + b"]" * 20, "the JSON is nested too deeply: expected at most 16 levels"),
        (b'{"event_id": "e1", "type": "x"}', "the message is not an event: customer_id: Field required"),
        (
            STRUCTURED.replace(b'"subject": "C1"', b'"subject": 1'),
            "the message is not an event: subject: Input should be a valid string",
        ),
    ],
)
def test_what_is_no_event_is_refused_in_words_without_its_content(value: bytes | None, what: str) -> None:
    with pytest.raises(DataError) as refused:
        event_of(message(value))
    assert str(refused.value) == what


def test_headers_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(DataError, match="the message is not JSON"):
        event_of(message(DATA, {**HEADERS, "ce_subject": b"\xff"}))


@given(value=st.none() | st.binary(), headers=st.dictionaries(st.sampled_from(sorted(HEADERS)), st.binary(max_size=20)))
def test_any_message_is_an_event_or_refused(value: bytes | None, headers: dict[str, bytes]) -> None:
    with suppress(DataError):
        event_of(message(value, headers))
