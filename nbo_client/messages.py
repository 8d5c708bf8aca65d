"""What is asked of the service and what it answers, field by field as its OpenAPI document has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

Said = str | bool | float | None


def new_id() -> str:
    """Make an id that nobody else makes."""
    return uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What now, for this customer, in this channel?

    Attributes:
        placements: Places to be filled, the most important first; empty for a plain list.
        context: What the channel knows of the moment, as the bank declares it.
        offers: How many at most; None for as many as the policy ranks.
    """

    customer_id: str
    channel: str
    placements: Sequence[str] = ()
    context: Mapping[str, Said] = field(default_factory=dict)
    offers: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """What moved the model, in words and as a share of the log odds."""

    name: str
    description: str
    value: str
    log_odds: float
    sentence: str


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """One offer of an answer.

    Attributes:
        message: Treatment: how the channel puts the offer.
        placement: Of the places asked for; None without any.
        propensity: Probability of acceptance; None for an offer that was not scored.
        selection_probability: With which this offer was chosen, for evaluating policies.
        rank_probability: With which it got its rank.
    """

    rank: int
    offer: str
    description: str
    product: str | None
    offer_class: str
    message: str
    slot: str | None
    placement: str | None
    propensity: float | None
    value: float | None
    priority: float | None
    selection_probability: float
    rank_probability: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to offer, or why nothing.

    Attributes:
        offers: By rank; empty where nothing is allowed, and `fallback` then says why.
        degraded: What was not as it should be when this was decided; empty where everything was.
    """

    decision_id: str
    customer_id: str
    channel: str
    as_of: datetime
    stage: str | None
    offers: tuple[RankedOffer, ...]
    fallback: str | None
    features_from: str
    degraded: tuple[str, ...]
    versions: Mapping[str, str]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Decisions:
    """Answers in the order of the questions."""

    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Since when a contact counts no longer, and budgets have back what it claimed."""

    decision_id: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; told twice it counts once, by its id.

    Attributes:
        occurred_at: Aware; None for now.
        decision_id: The decision that this answers.
        event_id: Made where none is given. Whoever may tell the same again in another call gives one.
    """

    customer_id: str
    type: str
    occurred_at: datetime | None = None
    channel: str | None = None
    product: str | None = None
    amount: float | None = None
    properties: Mapping[str, str | bool | float] = field(default_factory=dict)
    decision_id: str | None = None
    event_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of an event: accepted, duplicate, conflict, stray or refused."""

    event_id: str
    fate: str
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of events, in their order; what is accepted is durable and counts in the next decision."""

    accepted: int
    results: tuple[EventResult, ...]

    @property
    def refused(self) -> tuple[EventResult, ...]:
        """Those that are no events of the bank."""
        return tuple(result for result in self.results if result.fate == "refused")


@dataclass(frozen=True, slots=True)
class Ready:
    """What stands behind the answers."""

    status: str
    bank: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of a customer.

    Attributes:
        limits: How much of each contact limit is used.
        decisions: The latest ones, in short.
    """

    customer_id: str
    as_of: datetime
    attributes: Mapping[str, Any]
    stage: Mapping[str, Any]
    stage_history: tuple[Mapping[str, Any], ...]
    products: tuple[Mapping[str, Any], ...]
    limits: tuple[Mapping[str, Any], ...]
    decisions: tuple[Mapping[str, Any], ...]
    features_from: str


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """What a customer agrees to from now on, by the names of the bank's attributes."""

    consents: Mapping[str, bool]
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """What became of a change of consents."""

    event_id: str
    fate: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, by place; the customer is named by a hash."""

    receipt_id: str
    customer: str
    erased_at: datetime
    erased: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DecisionLook:
    """A decision as it was kept, and what came of it.

    Attributes:
        offer: The first of the ranked ones.
        outcome: The latest of the outcomes, which revises those before.
        withdrawn_at: When its channel told that it does not make the contact.
    """

    decision_id: str
    customer_id: str
    channel: str
    as_of: datetime
    stage: str | None
    offer: str | None
    offers: tuple[Mapping[str, Any], ...]
    fallback: str | None
    outcomes: tuple[Mapping[str, Any], ...]
    outcome: str | None
    withdrawn_at: datetime | None
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule about every candidate of a decision."""

    decision_id: str
    customer_id: str
    stage: str | None
    arm: str
    features: Mapping[str, Any]
    candidates: tuple[Mapping[str, Any], ...]
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """Whether deciding again gives the same."""

    decision_id: str
    same: bool
    differences: tuple[str, ...]
    offers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The bank's offers."""

    bank: str
    currency: str
    offers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Whose scores, and for which channel; all where none is named."""

    customer_id: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What the models make of a customer."""

    customer_id: str
    as_of: datetime
    churn_probability: float | None
    propensities: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, str]
    features_from: str
