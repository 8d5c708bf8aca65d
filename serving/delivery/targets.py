"""What a channel is delivered by, and what may come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from serving.delivery.outbox import Contact
from serving.delivery.permission import Permission


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
    def at_once(self) -> int:
        """Batches that may be on their way at the same time."""

    @property
    def lease(self) -> timedelta:
        """Sending a batch takes no longer."""

    @property
    def attempts(self) -> int:
        """After so many a contact is a dead letter."""

    def wait(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts."""

    def recall(self, channel: str, since: datetime, permission: Permission, now: datetime) -> int:
        """Tell the channel which contacts with a time since then it is not to make any more; how many are new."""

    def send(self, contacts: Sequence[Contact], now: datetime) -> Sequence[Sent]:
        """Send contacts that all have begun; those the channel has are settled by whoever asks, or already."""


TOLD: Final = ("decision_id", "customer_id", "channel", "contact_at", "offer", "message", "slot")
"""What a channel is told of a contact."""


def told(contact: Contact) -> dict[str, Any]:
    """Say a contact as a channel gets it; `decision_id` is the key by which it knows one that comes again."""
    return {**{name: getattr(contact, name) for name in TOLD}, "contact_at": contact.contact_at.isoformat()}
