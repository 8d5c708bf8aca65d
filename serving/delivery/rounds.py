"""Splits contacts into rounds of distinct customers."""

from __future__ import annotations

from collections.abc import Sequence

from serving.delivery.outbox import Contact


def rounds(contacts: Sequence[Contact]) -> list[list[Contact]]:
    """Split contacts so that each customer occurs once per round: a second contact is checked after the first counts.

    Example:
        >>> from types import SimpleNamespace as Contact
        >>> some = [Contact(customer_id=name) for name in ("a", "b", "a")]
        >>> [[contact.customer_id for contact in one] for one in rounds(some)]
        [['a', 'b'], ['a']]
    """
    found: list[dict[str, Contact]] = []
    for contact in contacts:
        free = next((one for one in found if contact.customer_id not in one), None)
        if free is None:
            found.append(free := {})
        free[contact.customer_id] = contact
    return [list(one.values()) for one in found]
