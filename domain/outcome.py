"""Outcomes: what an offer is for, told by events that any customer can have, with or without the offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsAs(Spec):
    """The events by which an offer has worked; customers who were never shown it can have them, too.

    Attributes:
        types: Event types (`product_opened`); none of those of contacts, which only customers who are shown something
            have.
        products: Product families of the events, empty for any; by default the offer's own, or any if it has none.
        value: What one of the events is worth, in the bank's currency; negative for a loss that the offer prevents.
            None: what other offers say of the same events.
        per: Whether the value is that of an event, of which one counts within `within_days`, or that of each unit of
            the events' amounts.
        within_days: Days after the offer in which the events count for it; None for its response window.
        reversed_by: Event types that undo an event of the same customer and product (`product_closed`).
        reversed_within_days: Days after the event in which it can be undone.
    """

    types: tuple[str, ...]
    products: tuple[str, ...] | None = None
    value: float | None = None
    per: Literal["event", "amount"] = "event"
    within_days: int | None = None
    reversed_by: tuple[str, ...] = ()
    reversed_within_days: int = 14
