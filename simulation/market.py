"""Products and channels of the simulation, and how people in general feel about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from domain.offer import Offer
from events.vocabulary import Vocabulary
from simulation.kinds import TAGS, kind_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CHANNELS: Final = ("app", "web", "email", "push", "branch", "call_centre", "atm")
"""Positions in this tuple are channel codes throughout the simulation; -1 is none."""
APP, WEB, EMAIL, PUSH, BRANCH, CALL, ATM = range(7)
PREFERRED_CHANNELS: Final = CHANNELS[:ATM]
"""Channels that customers may prefer: all except cash machines."""
CHANNEL_EASE: Final = np.array([0.15, 0.10, -0.30, -0.40, 0.2, 0.75, 0.0])
"""How much easier an offer is accepted in each channel, in log-odds."""

REGIONS: Final = ("north", "south", "east", "west")
SEGMENTS: Final = ("mass", "affluent", "student", "senior")
LEVELS: Final = ("low", "medium", "high")
INCOME_BANDS: Final = ("low", "middle", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product family and its market.

    Attributes:
        ease: Log-odds of accepting an average offer of it.
        market_rate: Rate at other banks, in percent.
        rate_weight: Log-odds per percentage point above the market rate; negative if the customer pays the rate.
        held_at_first: Share of joining customers who hold it, at average need.
        organic: Log-odds that a view of it becomes an application without any offer.
        amount: Median amount at opening, in the bank's currency.
        repeatable: Whether a customer may hold it twice.
    """

    name: str
    ease: float
    market_rate: float = 0.0
    rate_weight: float = 0.0
    held_at_first: float
    organic: float
    amount: float
    repeatable: bool = False


PRODUCTS: Final = (
    Product(name="current_account", ease=-3.05, held_at_first=1.0, organic=-20.0, amount=500),
    Product(
        name="savings", ease=-3.35, market_rate=2.1, rate_weight=0.5, held_at_first=0.42, organic=-3.4, amount=2500
    ),
    Product(
        name="credit_card", ease=-3.5, market_rate=15, rate_weight=-0.1, held_at_first=0.25, organic=-3.7, amount=2000
    ),
    Product(
        name="personal_loan",
        ease=-4.3,
        market_rate=7.5,
        rate_weight=-0.3,
        held_at_first=0.1,
        organic=-4.1,
        amount=9000,
    ),
    Product(
        name="mortgage", ease=-4.7, market_rate=3.9, rate_weight=-1.0, held_at_first=0.2, organic=-4.5, amount=240000
    ),
    Product(name="investment", ease=-3.9, held_at_first=0.12, organic=-3.9, amount=1500),
    Product(name="insurance", ease=-3.5, held_at_first=0.22, organic=-3.7, amount=180, repeatable=True),
)
PRODUCT_NAMES: Final = tuple(product.name for product in PRODUCTS)
CURRENT_ACCOUNT, SAVINGS, CREDIT_CARD, PERSONAL_LOAN, MORTGAGE, INVESTMENT, INSURANCE = range(7)
REPEATABLE: Final = np.array([product.repeatable for product in PRODUCTS])

TOUCHPOINTS: Final = (
    "app_login",
    "web_login",
    "branch_visit",
    "service_call",
    "complaint_opened",
    "complaint_resolved",
    "nps_answer",
    "csat_answer",
    "product_viewed",
    "calculator_used",
    "application_started",
    "application_submitted",
    "application_abandoned",
    "outage_met",
)
BOOKINGS: Final = ("POS", "TRF_OUT", "TRF_IN", "SAL", "ATM", "FEE", "REFUSED", "OPEN", "CLOSE", "LEFT")
ANSWERS: Final = ("offer_presented", "offer_clicked", "offer_accepted", "offer_declined")


def check_world(offers: tuple[Offer, ...], vocabulary: Vocabulary) -> None:
    """Check that the bank's folder uses only what the simulation knows, and has all that it produces.

    Raises:
        DataError: If an offer or the vocabulary names a product, channel, event type or tag that the simulation does
            not know, the vocabulary lacks one that it produces, or an offer's effect is unclear.
    """
    if not offers:
        raise DataError("a simulated bank without offers has nothing to learn from", expected="at least one offer")
    _check("product", (offer.product for offer in offers if offer.product is not None), PRODUCT_NAMES)
    _check("channel", (treatment.channel for offer in offers for treatment in offer.treatments), CHANNELS)
    _check("event type", (*TOUCHPOINTS, *ANSWERS), vocabulary.types)
    _check("product", PRODUCT_NAMES, vocabulary.products)
    _check("channel", CHANNELS, vocabulary.channels)
    _check("tag", (tag for offer in offers for tag in offer.tags), TAGS)
    for offer in offers:
        kind_of(offer)


def _check(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    valid = set(known)
    for name in names:
        if name not in valid:
            raise DataError(
                f"the simulated world and the bank's folder disagree about a {kind}",
                got=f"'{name}'",
                expected=nearest(name, valid),
                remedy="change the folder, or simulate with banks/demo",
            )
