"""Kinds of care in the simulation; an offer's tag gives its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.errors import DataError
from domain.offer import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class CareKind:
    """What an offer does other than selling a product.

    Attributes:
        tag: The tag of its offers.
        ease: Log-odds that an average customer with a reason accepts an average offer of this kind.
        pull: How strongly the past policy preferred it if there was a reason; a sale of average appeal has 1.
        urgent: Customers with a reason are more likely to be contacted.
    """

    tag: str
    ease: float
    pull: float
    urgent: bool = False


KINDS: Final = (
    CareKind(tag="follow_up", ease=-2.5, pull=6.0, urgent=True),  # asks how a complaint went
    CareKind(tag="deferral", ease=-2.7, pull=6.0, urgent=True),  # defers instalments: relieves hardship for a while
    CareKind(tag="budget_tool", ease=-3.4, pull=2.0),  # keeps accounts above zero: fewer payments are refused
    CareKind(tag="loyalty", ease=-3.5, pull=0.8),  # rewards customers of long standing, who then stay
    CareKind(tag="referral", ease=-4.4, pull=0.6),  # may bring a new customer
    CareKind(tag="adviser", ease=-3.7, pull=0.7),  # makes people aware of their needs
    CareKind(tag="resume", ease=-3.3, pull=5.0, urgent=True),  # resumes an abandoned application
    CareKind(tag="documents", ease=-1.7, pull=5.0),  # renews documents that expire
    CareKind(tag="terms", ease=-1.8, pull=5.0),  # acknowledges new terms
    CareKind(tag="check_in", ease=-3.1, pull=1.5),  # asks customers who have gone quiet how they are: some come back
)
"""Positions in this tuple are codes of kinds throughout the simulation."""
NO_KIND: Final = -1
URGENT: Final = tuple(code for code, kind in enumerate(KINDS) if kind.urgent)
KIND: Final = {kind.tag: code for code, kind in enumerate(KINDS)}
TAGS: Final = ("service", "retention", *KIND)
"""All tags with a meaning in the simulation: service, retention, and the kinds of care."""


def kind_of(offer: Offer) -> int:
    """Return the code of an offer's kind of care; `NO_KIND` if it sells or retains.

    Raises:
        DataError: If the offer has several kinds, or neither a kind nor a product.

    Example:
        >>> thanks = Offer(name="thanks", description="", value="1", treatments=(), stages=(), tags=("loyalty",))
        >>> KINDS[kind_of(thanks)].tag
        'loyalty'
    """
    kinds = [tag for tag in offer.tags if tag in KIND]
    if len(kinds) > 1 or (not kinds and offer.product is None):
        raise DataError(
            f"the simulation does not know what accepting {offer.name} does",
            got=f"the kinds {', '.join(kinds)}" if kinds else "neither a product nor a kind",
            expected=f"{'' if kinds else 'a product or '}one tag of {', '.join(KIND)}",
            remedy="edit offers.yaml",
        )
    return KIND[kinds[0]] if kinds else NO_KIND
