"""Kinds of care that the simulated world knows; an offer is of a kind by its tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.errors import DataError
from domain.offer import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an offer does beside selling a product.

    Attributes:
        tag: As offers carry it.
        ease: Log-odds that an average customer with a reason to accepts an average offer of it.
        pull: How strongly the past policy preferred it where there was a reason; a sale of average appeal has 1.
        urgent: Whoever has a reason is rather contacted than others.
    """

    tag: str
    ease: float
    pull: float
    urgent: bool = False


KINDS: Final = (
    Kind(tag="follow_up", ease=-2.5, pull=6.0, urgent=True),  # asks how a complaint went
    Kind(tag="deferral", ease=-2.7, pull=6.0, urgent=True),  # puts instalments off: relieves hardship for a while
    Kind(tag="budget_tool", ease=-3.4, pull=2.0),  # keeps accounts above zero: fewer payments are refused
    Kind(tag="loyalty", ease=-3.5, pull=0.8),  # binds those who have been here for long
    Kind(tag="referral", ease=-4.4, pull=0.6),  # brings somebody new, with luck
    Kind(tag="adviser", ease=-3.7, pull=0.7),  # makes people aware of what they need
    Kind(tag="resume", ease=-3.3, pull=5.0, urgent=True),  # takes up an application where it was left
    Kind(tag="documents", ease=-1.7, pull=5.0),  # renews documents that run out
    Kind(tag="terms", ease=-1.8, pull=5.0),  # acknowledges new terms
)
"""Positions in this tuple are codes of kinds throughout the simulation."""
NO_KIND: Final = -1
URGENT: Final = tuple(code for code, kind in enumerate(KINDS) if kind.urgent)
KIND: Final = {kind.tag: code for code, kind in enumerate(KINDS)}
TAGS: Final = ("service", "retention", *KIND)
"""All tags that mean something to this world: what is no sale, what wins back or keeps, and the kinds."""


def kind_of(offer: Offer) -> int:
    """Give the code of an offer's kind of care, `NO_KIND` where it sells or retains.

    Raises:
        DataError: It is of several kinds, or of none and of no product either.

    Example:
        >>> thanks = Offer(name="thanks", description="", value="1", treatments=(), stages=(), tags=("loyalty",))
        >>> KINDS[kind_of(thanks)].tag
        'loyalty'
    """
    kinds = [tag for tag in offer.tags if tag in KIND]
    if len(kinds) > 1 or (not kinds and offer.product is None):
        raise DataError(
            f"the simulated world cannot tell what accepting {offer.name} does",
            got=f"the kinds {', '.join(kinds)}" if kinds else "neither a product nor a kind",
            expected=f"{'' if kinds else 'a product or '}one tag of {', '.join(KIND)}",
            remedy="edit offers.yaml",
        )
    return KIND[kinds[0]] if kinds else NO_KIND
