"""What the bank could propose: offers, and how each is put in a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from domain.journey import Stage, Step
from domain.spec import Spec


class OfferClass(StrEnum):
    """What an offer is to the bank; a class comes before the next, whatever the priorities.

    Example:
        >>> [member.value for member in OfferClass]
        ['mandatory', 'transactional', 'commercial']
    """

    MANDATORY = "mandatory"
    TRANSACTIONAL = "transactional"
    COMMERCIAL = "commercial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment(Spec):
    """How an offer is put in one channel.

    Attributes:
        channel: Where it is put.
        message: Key of the text or creative in the channel's own system.
        cost: Cost of one contact, in the bank's currency.
        slot: Place in the channel that it is made for (`hero`, `inbox`); None where the channel has but one.
    """

    channel: str
    message: str
    cost: float = 0.0
    slot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Spec):
    """One thing the bank may propose to a customer.

    Attributes:
        name: The offer's id, stable over its life.
        description: What the customer gets.
        product: Product family it belongs to, or None for service and care that belong to none.
        value: Formula over features and offer attributes: what an acceptance is worth, in the bank's currency.
        cost: What an acceptance costs (a fee waived, a bonus paid), in the bank's currency.
        attributes: Numbers that models and formulas may use (`rate_percent`, `bonus`).
        valid_from: First day it may be offered, in the bank's time zone; None for no bound.
        valid_until: Last day it may be offered; None for no bound.
        stages: Lifecycle stages it serves.
        steps: Steps of the product's sub-journey it serves; empty for all.
        treatments: One for each channel it may be put in.
        offer_class: `mandatory` (the bank has to tell it), `transactional` (it answers what the customer is doing), or
            `commercial`. A class stands before the next; the first two need neither score nor least priority.
        response_window_days: An answer later than this does not count for the offer.
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
    response_window_days: int = 30
    tags: tuple[str, ...] = ()


def candidates_of(offers: tuple[Offer, ...]) -> tuple[tuple[Offer, Treatment], ...]:
    """List every offer in every channel it may be put in, in the order of the catalogue.

    This is the column order of every (customers x candidates) array: propensities, verdicts, priorities.

    Example:
        >>> loan = Offer(name="loan", description="", value="180", stages=(Stage.GROWTH,),
        ...              treatments=(Treatment(channel="app", message="card"), Treatment(channel="web", message="top")))
        >>> [(offer.name, treatment.channel) for offer, treatment in candidates_of((loan,))]
        [('loan', 'app'), ('loan', 'web')]
    """
    return tuple((offer, treatment) for offer in offers for treatment in offer.treatments)
