"""What a channel is delivered by, and what may come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from serving.delivery.outbox import Contact


class Fate(StrEnum):
    """What came of sending a contact."""

    HAS_IT = "has it"
    REFUSED = "refused"
    """The channel never takes this one."""
    FAILED = "failed"
    """Nobody knows whether the channel has it: it is sent again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one sending.

    Attributes:
        reason: In words without anything of customers.
        after: How soon the channel wants to hear again, where it says.
    """

    contacts: Sequence[Contact]
    fate: Fate
    reason: str | None = None
    after: timedelta | None = None


class Target(Protocol):
    """A way to a channel: `webhook.Webhook` posts, `files.ContactFile` writes."""

    @property
    def batch(self) -> int:
        """Contacts that are sent together."""

    @property
    def lease(self) -> timedelta:
        """Sending a batch takes no longer."""

    @property
    def attempts(self) -> int:
        """After so many a contact is a dead letter."""

    def wait(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts."""

    def send(self, contacts: Sequence[Contact], now: datetime) -> Sequence[Sent]:
        """Send contacts that all have begun; those the channel has are settled by whoever asks, or already."""


def told(contact: Contact) -> dict[str, Any]:
    """Say a contact as a channel gets it; `decision_id` is the key by which it knows one that comes again."""
    return {
        "decision_id": contact.decision_id,
        "customer_id": contact.customer_id,
        "channel": contact.channel,
        "contact_at": contact.contact_at.isoformat(),
        "offer": contact.offer,
        "message": contact.message,
        "slot": contact.slot,
    }
