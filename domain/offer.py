"""Offers: what the bank can propose, and how each offer appears in a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from domain.journey import Stage, Step
from domain.outcome import CountsAs
from domain.spec import Spec

RELIEF_TAG: Final = "service"
"""Tag of offers that help customers, such as a payment deferral."""

RELIEF_WORDS: Final = frozenset(
    {"arrears", "budget_tool", "debt_advice", "deferral", "forbearance", "hardship", "payment_plan", "relief"}
)
"""Tags of a bank's own that sound like relief; one without `service` is taken for a mistake where it would matter."""


class OfferClass(StrEnum):
    """Class of an offer. A class ranks above the next one, whatever the priorities.

    Example:
        >>> [member.value for member in OfferClass]
        ['mandatory', 'transactional', 'commercial']
    """

    MANDATORY = "mandatory"
    TRANSACTIONAL = "transactional"
    COMMERCIAL = "commercial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment(Spec):
    """How an offer appears in one channel.

    Attributes:
        channel: The channel.
        message: Key of the text or creative in the channel's own system.
        cost: Cost of one contact, in the bank's currency.
        slot: Place in the channel (`hero`, `inbox`); None if the channel has only one.
    """

    channel: str
    message: str
    cost: float = 0.0
    slot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Spec):
    """Something the bank can propose to a customer.

    Attributes:
        name: The offer's id, stable over its life.
        description: What the customer gets.
        product: Product family it belongs to; None for service and care offers that belong to none.
        value: Formula over features and offer attributes: what an acceptance is worth, in the bank's currency.
        cost: What an acceptance costs (a fee waived, a bonus paid), in the bank's currency.
        attributes: Numbers that models and formulas may use (`rate_percent`, `bonus`).
        valid_from: First day it may be offered, in the bank's time zone; None for no bound.
        valid_until: Last day it may be offered; None for no bound.
        stages: Lifecycle stages it is for.
        steps: Steps of the product's sub-journey it is for; empty for all.
        treatments: One for each channel it may appear in.
        offer_class: `mandatory` (the bank has to present it), `transactional` (it responds to what the customer is
            doing), or `commercial`. Each class ranks above the next; the first two need no score and no minimum
            priority.
        signed_off_by: Who agreed that the offer is `mandatory` or `transactional`, by name; such an offer is refused
            without it, because it passes limits that commercial offers respect.
        response_window_days: Responses later than this do not count for the offer.
        counts_as: Events that say whether it has worked, for customers who were shown it and for those who were not;
            None if its effect is not measured.
        expected_acceptance: Share of the customers who are expected to accept it, until enough have answered; None if
            only answers say.
        tags: `service` and `retention` have a meaning for policies; others are the bank's own.
    """

    name: str
    description: str
    value: str
    treatments: tuple[Treatment, ...]
    stages: tuple[Stage, ...]
    product: str | None = None
    cost: float = 0.0
    attributes: dict[str, float] = field(default_factory=dict)
    valid_from: date | None = None
    valid_until: date | None = None
    steps: tuple[Step, ...] = ()
    offer_class: OfferClass = OfferClass.COMMERCIAL
    signed_off_by: str | None = None
    response_window_days: int = 30
    counts_as: CountsAs | None = None
    expected_acceptance: float | None = None
    tags: tuple[str, ...] = ()


def is_owed(offer: Offer) -> bool:
    """Return whether an offer is not sold but owed: mandatory, transactional, or for customers who need help.

    Example:
        >>> is_owed(Offer(name="deferral", description="", value="20", treatments=(), stages=(), tags=("service",)))
        True
    """
    return offer.offer_class is not OfferClass.COMMERCIAL or RELIEF_TAG in offer.tags


def candidates_of(offers: tuple[Offer, ...]) -> tuple[tuple[Offer, Treatment], ...]:
    """List every offer in every channel it may appear in, in catalogue order.

    This is the column order of every (customers x candidates) array: propensities, verdicts, priorities.

    Example:
        >>> loan = Offer(name="loan", description="", value="180", stages=(Stage.GROWTH,),
        ...              treatments=(Treatment(channel="app", message="card"), Treatment(channel="web", message="top")))
        >>> [(offer.name, treatment.channel) for offer, treatment in candidates_of((loan,))]
        [('loan', 'app'), ('loan', 'web')]
    """
    return tuple((offer, treatment) for offer in offers for treatment in offer.treatments)
