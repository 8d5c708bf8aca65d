"""Pauses: an offer, a channel or all outbound channels stopped by a person until a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.offer import RELIEF_TAG, Offer, OfferClass


class PauseScope(StrEnum):
    """What a pause stops."""

    OFFER = "offer"
    CHANNEL = "channel"
    OUTBOUND = "outbound"
    """Every outbound channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause; there is at most one of each scope and name.

    Attributes:
        scope: What is stopped.
        name: The offer or channel; empty for all outbound channels.
        reason: Why, in words.
        by: Name of the person who paused it.
        paused_at: Aware moment.
        until: Aware moment at which it ends by itself.
    """

    scope: PauseScope
    name: str = ""
    reason: str
    by: str
    paused_at: datetime
    until: datetime

    @property
    def target(self) -> str:
        """What is stopped, in words.

        Example:
            >>> from datetime import UTC
            >>> moment = datetime(2026, 6, 1, tzinfo=UTC)
            >>> Pause(scope=PauseScope.CHANNEL, name="email", reason="", by="", paused_at=moment, until=moment).target
            'channel email'
        """
        return f"{self.scope} {self.name}" if self.name else "all outbound"

    def stops(self, offer: str, channel: str, *, outbound: Collection[str], protected: Collection[str]) -> bool:
        """Return whether an offer in a channel is stopped.

        Args:
            offer: Name of the offer.
            channel: Name of the channel.
            outbound: The outbound channels.
            protected: Offers that only a pause of their own stops (`is_protected`).
        """
        if self.scope is PauseScope.OFFER:
            return offer == self.name
        in_scope = channel == self.name if self.scope is PauseScope.CHANNEL else channel in outbound
        return in_scope and offer not in protected


def is_protected(offer: Offer) -> bool:
    """Return whether only a pause that names the offer stops it: mandatory offers, and those that help customers."""
    return offer.offer_class is OfferClass.MANDATORY or RELIEF_TAG in offer.tags
