"""Requests to the service and its answers; the service's OpenAPI document is made from the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

Said = str | bool | float | None


def new_id() -> str:
    """Return a new unique id."""
    return uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request for a decision: what to offer this customer in this channel.

    Attributes:
        placements: Places to fill, the most important first; empty for a plain list.
        context: Request context from the channel, with the names that the bank declares.
        offers: Maximum number of offers; None for as many as the policy ranks.
        reasons: Whether the answer gives the reasons of each offer, which takes longer; None for no, and for a service
            that always gives them.
    """

    customer_id: str
    channel: str
    placements: Sequence[str] = ()
    context: Mapping[str, Said] = field(default_factory=dict)
    offers: int | None = None
    reasons: bool | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a score, in words and as a share of the log odds.

    Attributes:
        name: Feature of the customer that moved the score, or `offer`.
        description: What it is, in words.
        value: The customer's value in words; empty if it is not about the customer.
        log_odds: Contribution to the log odds of acceptance; positive speaks for the offer.
        sentence: The reason as a sentence.
    """

    name: str
    description: str
    value: str
    log_odds: float
    sentence: str


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """One offer of a decision.

    Attributes:
        message: Text of the treatment, by which the channel presents the offer.
        placement: The requested place that this offer fills; None if no places were requested.
        propensity: Probability of acceptance; None for an offer that was not scored.
        selection_probability: Probability with which this offer was chosen, for evaluating policies.
        rank_probability: Probability with which it got its rank.
        rank: Place among the ranked offers, from 1.
        offer_class: `mandatory`, `transactional` or `commercial`; a class ranks above the next one.
        slot: Place in the channel; None if it has only one.
        value: Value of an acceptance, in the bank's currency; None for an offer that was not scored.
        priority: What offers are ranked by within their class: an expected margin in the bank's currency.
        reasons: What moved the score most: what is true of the customer, the strongest first, then how the offer is
            usually received; empty unless the question asked for reasons.
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
    """A decision: what to offer, or why nothing.

    Attributes:
        offers: Offers by rank; empty if nothing is allowed, and `fallback` then says why.
        degraded: Faults during the decision; empty if there were none.
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
    """Several decisions, in the order of the questions.

    Attributes:
        decisions: One for each question.
    """

    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawn contact: since `withdrawn_at` it no longer counts, and its budgets are refunded."""

    decision_id: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event to submit. Submitted twice with the same id, it counts once.

    Attributes:
        occurred_at: Time-zone-aware moment; None for now.
        decision_id: The decision that this event responds to.
        event_id: By default a new id. Give one if another call may submit the same event again.
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
    """Status of a submitted event; `fate` is accepted, duplicate, conflict, stray, erased or refused.

    Attributes:
        reason: Kind of the fault of a refused event; None for others.
        detail: The fault in words; None if there is none.
    """

    event_id: str
    fate: str
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class EventResults:
    """Statuses of submitted events, in their order; accepted events are durable and count in the next decision.

    Attributes:
        accepted: Number of accepted events.
        results: One for each event.
    """

    accepted: int
    results: tuple[EventResult, ...]

    @property
    def refused(self) -> tuple[EventResult, ...]:
        """Results of the events that do not fit the bank's vocabulary."""
        return tuple(result for result in self.results if result.fate == "refused")


@dataclass(frozen=True, slots=True)
class Ready:
    """Readiness of the service, with the bank and the versions that it serves, and what is paused.

    Attributes:
        status: `ready`; anything else is a problem with status 503.
        paused: What is paused, such as `channel email`.
    """

    status: str
    bank: str
    versions: Mapping[str, str]
    paused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """A request to end a pause.

    Attributes:
        scope: `offer`, `channel` or `outbound` (all outbound channels).
        name: The offer or channel; None for all outbound channels.
        by: Name of the person.
    """

    scope: str
    by: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest(ResumeRequest):
    """A request to pause an offer, a channel or all outbound channels until a moment."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PauseInForce:
    """A pause; its name is empty if it stops all outbound channels."""

    scope: str
    name: str
    reason: str
    by: str
    paused_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Paused(PauseInForce):
    """A pause that was just put in force.

    Attributes:
        caught: Waiting contacts that are not handed over while it lasts.
        left: Contacts that were handed over before, and whose time to be made has not passed.
    """

    caught: int
    left: int


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses in force.

    Attributes:
        pauses: Each pause in force.
    """

    pauses: tuple[PauseInForce, ...]


@dataclass(frozen=True, slots=True)
class RolloutGate:
    """What one gate of a rollout says.

    Attributes:
        gate: What was looked at.
        word: `ship`, `hold` or `stop`.
        reason: The reason, with its numbers.
        value: The number behind it; None if there is none yet.
    """

    gate: str
    word: str
    reason: str
    value: float | None


@dataclass(frozen=True, slots=True)
class RolloutMove:
    """An alias of a version that was given or taken away.

    Attributes:
        at: When.
        move: Which alias, by whom and why.
    """

    at: datetime
    move: str


@dataclass(frozen=True, slots=True)
class ModelRollout:
    """Where the rollout of a model stands.

    Attributes:
        model: Registered name of the model.
        as_of: When it was read.
        sentence: Where it stands, in words.
        stage: `challenger`, `shadow`, `slice`, or `champion` while a new champion is watched; None without a rollout.
        version: The version in that stage.
        share: Share of the standard arm's customers or households for whom that version decides.
        since: When it came into its stage; None for a challenger.
        other: Version that it is compared with: the champion, or the former one.
        challenger: Latest challenger.
        verdict: What all gates together say: `ship`, `hold` or `stop`; None if they were not put since the last step.
        reason: Why.
        gates: What each gate says.
        moves: Moves of the version's aliases, earliest first.
    """

    model: str
    as_of: datetime
    sentence: str
    stage: str | None
    version: str | None
    share: float | None
    since: datetime | None
    other: str | None
    challenger: str | None
    verdict: str | None
    reason: str | None
    gates: tuple[RolloutGate, ...]
    moves: tuple[RolloutMove, ...]


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Rollouts of models, as of the last watch or step.

    Attributes:
        rollouts: One for each model that has been watched.
    """

    rollouts: tuple[ModelRollout, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRequest:
    """A request to end the rollout of a model, or else to put the former champion back in charge.

    Attributes:
        by: Name of the person.
        reason: Reason in words.
    """

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class BackAsked:
    """A request to take a model back was stored; replicas follow within the swap time.

    Attributes:
        status: `asked`.
    """

    status: str


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of a customer.

    Attributes:
        limits: Use of each contact limit.
        decisions: Summaries of the latest decisions.
        attributes: The latest known values, by the names of events.yaml.
        stage: Stage of the journey, and since when.
        stage_history: Earlier stages, the latest first.
        products: Products held, and since when.
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
    """A customer's new consents, by the names of the bank's attributes.

    Attributes:
        consents: Name of a boolean attribute -> whether the customer consents.
    """

    consents: Mapping[str, bool]
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """Status of a change of consents."""

    event_id: str
    fate: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Receipt of an erasure: rows erased from each place; the customer is named by a hash.

    Attributes:
        receipt_id: Id of the receipt.
        customer: Salted hash of the customer's id, as in the audit.
        erased_at: The moment of the erasure.
        erased: Place -> number of rows erased.
    """

    receipt_id: str
    customer: str
    erased_at: datetime
    erased: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as it was stored, and its outcome.

    Attributes:
        offer: The first of the ranked offers.
        outcome: The latest outcome, which revises the earlier ones.
        withdrawn_at: When its channel withdrew the contact; None if it did not.
        selection_probability: Probability that the first offer was chosen.
        features_from: Where the customer's features came from, as in `Decision`.
        offers: The ranked offers, with the numbers they were ranked by.
        outcomes: Outcomes of the decision, the earliest first.
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
    selection_probability: float | None = None
    features_from: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict of every rule on every candidate of a decision.

    Attributes:
        arm: How candidates were ranked: `standard`, or the customer's control arm.
        features: The customer's values that rules, values and models used.
        candidates: Every offer in every channel, with its numbers and the verdict of every rule.
        request: What the caller said of the moment.
        prices: Price of each budget.
        remaining: What was left of each budget.
    """

    decision_id: str
    customer_id: str
    stage: str | None
    arm: str
    features: Mapping[str, Any]
    candidates: tuple[Mapping[str, Any], ...]
    fallback: str | None
    request: Mapping[str, Any] | None = None
    prices: Mapping[str, float] | None = None
    remaining: Mapping[str, float | None] | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of replaying a decision: whether it came out the same.

    Attributes:
        same: Whether the decision came out the same.
        differences: What differs, in words.
        offers: The offers of the decision made anew.
    """

    decision_id: str
    same: bool
    differences: tuple[str, ...]
    offers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The bank's offers.

    Attributes:
        currency: Currency of values and amounts.
        offers: Each offer, as offers.yaml has it.
    """

    bank: str
    currency: str
    offers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A request for a customer's scores in one channel, or in all if `channel` is None."""

    customer_id: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """The models' probabilities for a customer.

    Attributes:
        churn_probability: Probability of churn within the horizon of models.yaml; None without a champion.
        propensities: Probability of acceptance of each offer in each channel.
    """

    customer_id: str
    as_of: datetime
    churn_probability: float | None
    propensities: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, str]
    features_from: str
