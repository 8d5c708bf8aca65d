"""Where a contact is on its way from the plan to its channel."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """State of a contact in the outbox."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    """The customer does not agree any more, or is not known any more."""
    EXPIRED = "expired"
    """Its time was too long ago."""
    SUPERSEDED = "superseded"
    """The night was planned again before it was sent."""
    DEAD = "dead"
    """The channel refused it, or failed as often as it was tried."""
