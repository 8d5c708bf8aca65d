"""What can be asked, each as the request that asks it and the message that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from nbo_client.messages import (
    Catalogue,
    ConsentChange,
    ConsentChanged,
    Customer,
    Decision,
    DecisionLook,
    Decisions,
    Event,
    Explanation,
    Question,
    Ready,
    Receipt,
    Replay,
    ScoreRequest,
    Scores,
    Told,
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
    """A request that may be sent again without harm, and what its answer is read into."""

    method: str
    path: str
    answer: type[Answer]
    content: Any = None


def decide(question: Question, request_id: str | None, *, dry_run: bool) -> Call[Decision]:
    """Ask for one decision; the id finds the same answer again."""
    content = {**written(question), "request_id": request_id or new_id(), "dry_run": dry_run}
    return Call("POST", "/v1/decisions", Decision, content)


def decide_all(questions: Sequence[Question], request_id: str | None, *, dry_run: bool) -> Call[Decisions]:
    """Ask for several.

    Raises:
        UsageError: None, or more than fit into one request.
    """
    _fits("questions", len(questions))
    content = {"decisions": [written(one) for one in questions], "request_id": request_id or new_id()}
    return Call("POST", "/v1/decisions/batch", Decisions, {**content, "dry_run": dry_run})


def withdraw(decision_id: str) -> Call[Withdrawal]:
    """Tell that a contact is not made."""
    return Call("POST", f"/v1/decisions/{_part(decision_id)}/withdrawal", Withdrawal)


def tell(event: Event) -> Call[Told]:
    """Tell one event; the service refuses it with a problem where it fits not."""
    return Call("POST", "/v1/events", Told, written(event))


def tell_all(events: Sequence[Event]) -> Call[Told]:
    """Tell several; each has a result of its own.

    Raises:
        UsageError: None, or more than fit into one request.
    """
    _fits("events", len(events))
    return Call("POST", "/v1/events", Told, [written(event) for event in events])


def customer(customer_id: str) -> Call[Customer]:
    """Ask what is known of a customer."""
    return Call("GET", f"/v1/customers/{_part(customer_id)}", Customer)


def change_consents(customer_id: str, change: ConsentChange) -> Call[ConsentChanged]:
    """Tell what a customer agrees to."""
    return Call("PUT", f"/v1/customers/{_part(customer_id)}/consents", ConsentChanged, written(change))


def erase(customer_id: str) -> Call[Receipt]:
    """Have all erased that is a customer's."""
    return Call("DELETE", f"/v1/customers/{_part(customer_id)}", Receipt)


def decision(decision_id: str) -> Call[DecisionLook]:
    """Ask for a decision as it was kept."""
    return Call("GET", f"/v1/decisions/{_part(decision_id)}", DecisionLook)


def explanation(decision_id: str) -> Call[Explanation]:
    """Ask why."""
    return Call("GET", f"/v1/decisions/{_part(decision_id)}/explanation", Explanation)


def replay(decision_id: str) -> Call[Replay]:
    """Have a decision made again and compared."""
    return Call("POST", f"/v1/decisions/{_part(decision_id)}/replay", Replay)


def offers() -> Call[Catalogue]:
    """Ask for the catalogue that decides now."""
    return Call("GET", "/v1/offers", Catalogue)


def scores(customer_id: str, channel: str | None) -> Call[Scores]:
    """Ask for the models' probabilities."""
    return Call("POST", "/v1/scores", Scores, written(ScoreRequest(customer_id, channel)))


def ready() -> Call[Ready]:
    """Ask what stands behind the answers."""
    return Call("GET", "/readyz", Ready)


def _fits(what: str, count: int) -> None:
    if not 1 <= count <= MOST_IN_BATCH:
        raise UsageError(f"so many {what} are no batch: got {count}, expected 1 to {MOST_IN_BATCH}")


def _part(identifier: str) -> str:
    """Write an id as one part of a path, whatever is in it.

    Raises:
        UsageError: An id that would be another path.
    """
    if identifier in {"", ".", ".."}:
        raise UsageError(f"this is no id: got '{identifier}', expected an id of the bank or the service")
    return quote(identifier, safe="")
