"""The client's fields beside the service's OpenAPI document, so that they cannot drift apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from nbo_client import calls
from nbo_client.calls import MOST_IN_BATCH, Call
from nbo_client.messages import (
    BackAsked,
    BackRequest,
    Catalogue,
    ConsentChange,
    ConsentChanged,
    Customer,
    Decision,
    Decisions,
    Event,
    EventResult,
    EventResults,
    Explanation,
    ModelRollout,
    Paused,
    PauseInForce,
    PauseRequest,
    Pauses,
    Question,
    RankedOffer,
    Ready,
    Reason,
    Receipt,
    Replay,
    ResumeRequest,
    RolloutGate,
    RolloutMove,
    Rollouts,
    ScoreRequest,
    Scores,
    StoredDecision,
    Withdrawal,
)
from serving.api.app import openapi_document

DOCUMENT = openapi_document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

ASKED = {"QuestionBody": Question, "EventIn": Event, "ConsentBody": ConsentChange, "ScoreBody": ScoreRequest,
         "PauseBody": PauseRequest, "BackBody": BackRequest, "ResumeBody": ResumeRequest}  # fmt: skip
ANSWERED = {
    kind.__name__: kind
    for kind in (
        Reason, RankedOffer, Decision, Decisions, Withdrawal, EventResult, EventResults, Ready, Customer,
        ConsentChanged, Receipt, StoredDecision, Explanation, Replay, Catalogue, Scores, PauseInForce, Paused, Pauses,
        BackAsked, ModelRollout, RolloutGate, RolloutMove, Rollouts,
    )
}  # fmt: skip
BY_KIND = {kind: name for name, kind in (ASKED | ANSWERED).items()}

QUESTION, EVENT = Question(customer_id="c", channel="app"), Event(customer_id="c", type="login")
CALLS: list[Call[Any]] = [
    calls.decide(QUESTION, None, dry_run=False),
    calls.decide_all([QUESTION], None, dry_run=False),
    calls.withdraw("d"),
    calls.tell(EVENT),
    calls.tell_all([EVENT]),
    calls.ready(),
    calls.customer("c"),
    calls.change_consents("c", ConsentChange({"consent_email": True})),
    calls.erase("c"),
    calls.decision("d"),
    calls.explanation("d"),
    calls.replay("d"),
    calls.offers(),
    calls.scores("c", None),
    calls.pauses(),
    calls.pause(PauseRequest(scope="outbound", by="A", reason="R", until=datetime(2026, 6, 1, tzinfo=UTC))),
    calls.rollouts(),
    calls.take_back(BackRequest(by="A", reason="R")),
    calls.resume(ResumeRequest(scope="outbound", by="A")),
]


def operation(call: Call[Any]) -> tuple[str, str]:
    """The described path and method of a call; a path without a placeholder comes first."""
    paths = sorted(DOCUMENT["paths"], key=lambda path: path.count("{"))
    [first, *_] = [path for path in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), call.path)]
    return first, call.method.lower()


def kinds(schema: Any) -> frozenset[str]:
    """Types that a schema lets through, in a few words."""
    if schema is True:
        return frozenset({"anything"})
    if "$ref" in schema:
        return frozenset({schema["$ref"].rpartition("/")[2]})
    if "anyOf" in schema:
        return frozenset().union(*(kinds(part) for part in schema["anyOf"]))
    if schema["type"] == "array":
        return frozenset({f"list of {_listed(kinds(schema['items']))}"})
    if schema["type"] == "object":
        (inner,) = (
            schema["patternProperties"].values() if "patternProperties" in schema else [schema["additionalProperties"]]
        )
        return frozenset({f"mapping to {_listed(kinds(inner))}"})
    return frozenset({schema["type"]})


def hinted(hint: Any) -> frozenset[str]:
    """The same of a type hint."""
    plain = {
        str: "string",
        int: "integer",
        float: "number",
        bool: "boolean",
        NoneType: "null",
        datetime: "string",
        Any: "anything",
    }
    if hint in plain:
        return frozenset({plain[hint]})
    if hint in BY_KIND:
        return frozenset({BY_KIND[hint]})
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Mapping:
        return frozenset({f"mapping to {_listed(hinted(inner[1]))}"})
    if origin is tuple or (isinstance(origin, type) and origin.__name__ == "Sequence"):
        return frozenset({f"list of {_listed(hinted(inner[0]))}"})
    return frozenset().union(*(hinted(part) for part in inner))


def _listed(words: frozenset[str]) -> str:
    return " or ".join(sorted(words))


@pytest.mark.parametrize(("name", "kind"), list((ASKED | ANSWERED).items()))
def test_a_message_has_the_fields_of_its_description_and_their_types(name, kind):
    described = {field: kinds(schema) for field, schema in SCHEMAS[name]["properties"].items()}
    assert {field: hinted(hint) for field, hint in get_type_hints(kind).items()} == described


@pytest.mark.parametrize(("name", "kind"), list(ASKED.items()))
def test_what_the_service_needs_the_client_asks_for_or_makes(name, kind):
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}
    made = {"event_id"}
    assert needed == set(SCHEMAS[name]["required"]) - made


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path} {type(call.content).__name__}")
def test_every_call_is_described_with_its_answer(call):
    path, method = operation(call)
    answer = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    assert kinds(answer) == {BY_KIND[call.answer]}


@pytest.mark.parametrize(("call", "name"), [(CALLS[0], "DecisionBody"), (CALLS[1], "BatchRequest")])
def test_a_request_has_nothing_that_is_not_described(call, name):
    assert set(call.content) <= set(SCHEMAS[name]["properties"])
    assert {"request_id", "dry_run"} <= set(call.content)


def test_everything_of_the_first_version_can_be_called():
    described = {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods if path.startswith("/v1/")
    }
    assert {operation(call) for call in CALLS} == described | {("/readyz", "get")}


def test_batches_have_the_size_that_the_service_takes():
    assert SCHEMAS["BatchRequest"]["properties"]["decisions"]["maxItems"] == MOST_IN_BATCH
