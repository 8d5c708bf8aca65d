"""States of a contact in the outbox."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """State of a contact in the outbox."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    """The customer no longer agrees, or is no longer known."""
    EXPIRED = "expired"
    """Its contact time is too long ago."""
    SUPERSEDED = "superseded"
    """A newer plan replaced it before it was sent."""
    UNSENT = "unsent"
    """Its channel had it, and nothing was heard of it for days."""
    DEAD = "dead"
    """The channel refused it, or all attempts failed."""
