"""Delivery targets: the interface to a channel, rounds of distinct customers, and the results of sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from serving.delivery.outbox import Contact
from serving.delivery.permission import DeliveryPermission


class Fate(StrEnum):
    """Result of sending a contact."""

    HAS_IT = "has it"
    REFUSED = "refused"
    """The channel will never accept this contact."""
    FAILED = "failed"
    """It is unknown whether the channel has it: it is sent again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Result of sending some contacts.

    Attributes:
        reason: Why they failed, without personal data.
        after: Delay that the channel asked for, if any.
    """

    contacts: Sequence[Contact]
    fate: Fate
    reason: str | None = None
    after: timedelta | None = None


class Target(Protocol):
    """A way to deliver to a channel: `webhook.Webhook` posts, `files.ContactFile` writes."""

    @property
    def batch(self) -> int:
        """Number of contacts sent together."""

    @property
    def at_once(self) -> int:
        """Maximum number of concurrent batches."""

    @property
    def lease(self) -> timedelta:
        """Upper bound on the time to send a batch."""

    @property
    def attempts(self) -> int:
        """Number of attempts after which a contact becomes a dead letter."""

    def wait(self, attempts: int) -> timedelta:
        """Return the delay after a number of attempts."""

    def recall(self, channel: str, since: datetime, permission: DeliveryPermission, now: datetime) -> int:
        """Tell the channel which contacts since a moment it must no longer make; return how many are new."""

    def send(self, contacts: Sequence[Contact], now: datetime) -> Sequence[Sent]:
        """Send contacts that were all begun; delivered ones are settled by the caller, or already by the target."""


TOLD: Final = ("decision_id", "customer_id", "channel", "contact_at", "offer", "message", "slot")
"""Fields of a contact that a channel gets."""


def told(contact: Contact) -> dict[str, Any]:
    """Return a contact as its channel gets it; `decision_id` identifies a contact that is sent again."""
    return {**{name: getattr(contact, name) for name in TOLD}, "contact_at": contact.contact_at.isoformat()}


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
