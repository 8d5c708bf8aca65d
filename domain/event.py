"""An event: one touchpoint of one customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about a customer, with the moment it occurred and the moment the bank could know it.

    Attributes:
        event_id: Unique in the log; two events with the same id are the same event.
        occurred_at: When it happened; timezone-aware, kept in UTC.
        available_at: When the bank could first use it; never before `occurred_at`.
        type: A type of the bank's event vocabulary.
        amount: Amount in the bank's currency, or the event's main measure (a survey's score); None if it has none.
        properties: Other properties that the vocabulary declares for the type.
        decision_id: The decision that this event responds to (as an impression, a click, an acceptance).

    Example:
        >>> from datetime import UTC
        >>> moment = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
        >>> Event(event_id="e1", customer_id="c1", type="app_login", occurred_at=moment, available_at=moment).channel
    """

    event_id: str
    customer_id: str
    type: str
    occurred_at: datetime
    available_at: datetime
    channel: str | None = None
    product: str | None = None
    amount: float | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    decision_id: str | None = None

    def __post_init__(self) -> None:
        for name in ("occurred_at", "available_at"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise DataError(f"{name} of event {self.event_id} has no time zone", got=str(moment), expected="UTC")
        if self.available_at < self.occurred_at:
            raise DataError(
                f"event {self.event_id} was available before it occurred",
                got=f"{self.available_at} < {self.occurred_at}",
                expected="available_at >= occurred_at",
            )
