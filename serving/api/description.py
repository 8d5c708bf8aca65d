"""The OpenAPI document, in which every field and parameter is described and every request has an example.

Descriptions of fields are the docstrings' own (section `Attributes`), and those of names that mean the same in every
message are said once, here. Examples are of the demo bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from domain.docstrings import meanings_in, summary_in

EVERYWHERE: Final[Mapping[str, str]] = {
    "amount": "Amount in the bank's currency.",
    "as_of": "The moment the answer is about, with a UTC offset.",
    "bank": "Name of the bank.",
    "by": "Name of the person.",
    "channel": "One of the bank's channels.",
    "customer_id": "Id of the customer.",
    "decision_id": "Id of the decision; events that respond to it cite it.",
    "description": "Description in words.",
    "dry_run": "Whether to write, count and spend nothing.",
    "event_id": "Id of the event; submitted twice with the same id, it counts once.",
    "fallback": "Why nothing is offered; null if something is.",
    "fate": "`accepted`, `duplicate`, `conflict`, `stray`, `erased` or `refused`.",
    "features_from": "Where the features came from: `state`, `log` or `nothing`.",
    "name": "Name of the offer or channel; empty or null if all outbound channels are meant.",
    "offer": "Name of the offer.",
    "paused_at": "The moment at which the pause began.",
    "product": "One of the bank's products.",
    "properties": "Properties of the event, by the names that events.yaml declares for its type.",
    "reason": "Reason in words.",
    "request_id": "The same id and request give the same answer, for 35 days.",
    "scope": "`offer`, `channel` or `outbound` (all outbound channels).",
    "stage": "Stage of the customer's journey; null if nothing is known of the customer.",
    "type": "Type of the event, one that events.yaml declares.",
    "until": "The moment at which the pause ends, with a UTC offset.",
    "versions": "Digests of the policy, the feature catalogue and the models in use, by name.",
    "withdrawn_at": "The moment at which the channel withdrew the contact; null if it did not.",
}
"""Meaning of fields that mean the same wherever they occur."""

PARAMETERS: Final[Mapping[str, str]] = {
    "customer_id": "Id of the customer, percent-encoded.",
    "decision_id": "Id of the decision, as it was answered.",
}

_QUESTION: Final = {
    "customer_id": "C002262",
    "channel": "app",
    "placements": ["hero", "inbox"],
    "context": {"intent": "save"},
}
EXAMPLES: Final[Mapping[str, Any]] = {
    "QuestionBody": _QUESTION,
    "DecisionBody": {**_QUESTION, "request_id": "app-2026-06-24-000001"},
    "BatchRequest": {"decisions": [_QUESTION, {"customer_id": "C000007", "channel": "email"}]},
    "EventIn": {
        "event_id": "core-20260624-4711",
        "customer_id": "C002262",
        "type": "app_login",
        "occurred_at": "2026-06-24T21:15:00+02:00",
        "channel": "app",
    },
    "CloudEventIn": {
        "specversion": "1.0",
        "id": "4711",
        "source": "/core",
        "type": "bank.demo.app_login",
        "subject": "C002262",
        "time": "2026-06-24T21:15:00+02:00",
        "data": {"channel": "app"},
    },
    "CloudEventData": {"channel": "app"},
    "ConsentBody": {"consents": {"consent_email": False}},
    "ScoreBody": {"customer_id": "C002262", "channel": "app"},
    "ResumeBody": {"scope": "offer", "name": "credit_card_gold", "by": "R. Okafor"},
    "BackBody": {"by": "R. Okafor", "reason": "complaints about savings offers"},
    "PauseBody": {
        "scope": "offer",
        "name": "credit_card_gold",
        "by": "R. Okafor",
        "reason": "wrong rate in the letter",
        "until": "2026-07-01T09:00:00+02:00",
    },
}
"""A request of each kind, which the demo bank accepts."""


class DescribedApi(FastAPI):
    """An application whose OpenAPI document describes every field and parameter, with examples of requests."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        return _described(super().openapi())


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """Describe a document in place; one that is described already stays as it is."""
    for name, schema in document["components"]["schemas"].items():
        docstring = schema.get("description", "")
        meanings = {**EVERYWHERE, **meanings_in(docstring)}
        if docstring:
            schema["description"] = summary_in(docstring)
        for field, shape in schema.get("properties", {}).items():
            if "description" not in shape and field in meanings:
                shape["description"] = meanings[field]
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in PARAMETERS:
                    parameter.setdefault("description", PARAMETERS[parameter["name"]])
    return document
