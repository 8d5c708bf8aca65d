"""The calls of the API: for each, the request to send and the message type of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

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
    EventResults,
    Explanation,
    Paused,
    PauseRequest,
    Pauses,
    Question,
    Ready,
    Receipt,
    Replay,
    ResumeRequest,
    Rollouts,
    ScoreRequest,
    Scores,
    StoredDecision,
    Withdrawal,
    new_id,
)
from nbo_client.problems import UsageError
from nbo_client.reading import written

Answer = TypeVar("Answer")

MOST_IN_BATCH: Final = 500
"""Questions or events that the service takes at once."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request that is safe to repeat, and the message type of its answer."""

    method: str
    path: str
    answer: type[Answer]
    content: Any = None


def decide(question: Question, request_id: str | None, *, dry_run: bool) -> Call[Decision]:
    """Ask for one decision; `request_id` is the idempotency key."""
    content = {**written(question), "request_id": request_id or new_id(), "dry_run": dry_run}
    return Call("POST", "/v1/decisions", Decision, content)


def decide_all(questions: Sequence[Question], request_id: str | None, *, dry_run: bool) -> Call[Decisions]:
    """Ask for several decisions.

    Raises:
        UsageError: There are no questions, or more than fit into one request.
    """
    _fits("questions", len(questions))
    content = {"decisions": [written(question) for question in questions], "request_id": request_id or new_id()}
    return Call("POST", "/v1/decisions/batch", Decisions, {**content, "dry_run": dry_run})


def withdraw(decision_id: str) -> Call[Withdrawal]:
    """Withdraw a contact that will not be made."""
    return Call("POST", f"/v1/decisions/{_part(decision_id)}/withdrawal", Withdrawal)


def tell(event: Event) -> Call[EventResults]:
    """Submit one event; if it is invalid, the service answers with a problem."""
    return Call("POST", "/v1/events", EventResults, written(event))


def tell_all(events: Sequence[Event]) -> Call[EventResults]:
    """Submit several events; each gets its own result.

    Raises:
        UsageError: There are no events, or more than fit into one request.
    """
    _fits("events", len(events))
    return Call("POST", "/v1/events", EventResults, [written(event) for event in events])


def customer(customer_id: str) -> Call[Customer]:
    """Read what is known of a customer."""
    return Call("GET", f"/v1/customers/{_part(customer_id)}", Customer)


def change_consents(customer_id: str, change: ConsentChange) -> Call[ConsentChanged]:
    """Change a customer's consents."""
    return Call("PUT", f"/v1/customers/{_part(customer_id)}/consents", ConsentChanged, written(change))


def erase(customer_id: str) -> Call[Receipt]:
    """Erase all data of a customer."""
    return Call("DELETE", f"/v1/customers/{_part(customer_id)}", Receipt)


def decision(decision_id: str) -> Call[StoredDecision]:
    """Read a decision as it was stored."""
    return Call("GET", f"/v1/decisions/{_part(decision_id)}", StoredDecision)


def explanation(decision_id: str) -> Call[Explanation]:
    """Read the explanation of a decision."""
    return Call("GET", f"/v1/decisions/{_part(decision_id)}/explanation", Explanation)


def replay(decision_id: str) -> Call[Replay]:
    """Replay a decision and compare the result."""
    return Call("POST", f"/v1/decisions/{_part(decision_id)}/replay", Replay)


def offers() -> Call[Catalogue]:
    """Read the current catalogue of offers."""
    return Call("GET", "/v1/offers", Catalogue)


def scores(customer_id: str, channel: str | None) -> Call[Scores]:
    """Read the models' probabilities."""
    return Call("POST", "/v1/scores", Scores, written(ScoreRequest(customer_id, channel)))


def pauses() -> Call[Pauses]:
    """Read what is paused."""
    return Call("GET", "/v1/pauses", Pauses)


def pause(request: PauseRequest) -> Call[Paused]:
    """Pause an offer, a channel or all outbound channels."""
    return Call("POST", "/v1/pauses", Paused, written(request))


def resume(request: ResumeRequest) -> Call[Pauses]:
    """End a pause."""
    return Call("POST", "/v1/pauses/resume", Pauses, written(request))


def rollouts() -> Call[Rollouts]:
    """Read where rollouts of models stand."""
    return Call("GET", "/v1/rollout", Rollouts)


def take_back(request: BackRequest) -> Call[BackAsked]:
    """End the rollout of a model, or else put the former champion back in charge."""
    return Call("POST", "/v1/rollout/back", BackAsked, written(request))


def ready() -> Call[Ready]:
    """Read which bank and versions the service serves."""
    return Call("GET", "/readyz", Ready)


def _fits(what: str, count: int) -> None:
    if not 1 <= count <= MOST_IN_BATCH:
        raise UsageError(f"a batch cannot have this many {what}: got {count}, expected 1 to {MOST_IN_BATCH}")


def _part(identifier: str) -> str:
    """Encode an id as one segment of a path.

    Raises:
        UsageError: The id would lead to another path.
    """
    if identifier in {"", ".", ".."}:
        raise UsageError(f"this is not an id: got '{identifier}', expected an id of the bank or the service")
    return quote(identifier, safe="")
