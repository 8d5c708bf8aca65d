"""Validates submitted events against the bank's vocabulary, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import DataError, nearest
from domain.event import Event
from events.properties import canonical, expectation
from events.quarantine import Reason
from events.schema import AMOUNT_DECIMALS, LARGEST_AMOUNT
from events.texts import number_text
from events.vocabulary import ATTRIBUTES_TYPE, Property, Vocabulary

CLOCK_SKEW: Final = timedelta(minutes=2)
"""How far the clock of a caller, or of another replica, may be ahead of this one's."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = str | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedEvent:
    """An event as submitted, not yet validated.

    Attributes:
        occurred_at: Time of occurrence, aware; None for now.
        properties: Values as they came: numbers and booleans, or their texts.
    """

    event_id: str
    customer_id: str
    type: str
    occurred_at: datetime | None = None
    channel: str | None = None
    product: str | None = None
    amount: float | None = None
    properties: Mapping[str, Value] = field(default_factory=dict)
    decision_id: str | None = None


class EventRefusedError(DataError):
    """A submitted event does not fit the bank's vocabulary.

    Args:
        reason: Reason, named as in the quarantine of imported files.
        at: The field at fault.
    """

    def __init__(self, reason: Reason, at: str, *, got: str, expected: str, remedy: str | None = None) -> None:
        self.reason = reason
        self.at = at
        super().__init__(f"{at}: {reason.replace('_', ' ')}", got=got, expected=expected, remedy=remedy)


def accepted(told: SubmittedEvent, vocabulary: Vocabulary, now: datetime) -> Event:
    """Validate a submitted event; it becomes available now.

    A time of occurrence that is ahead by at most `CLOCK_SKEW` counts as now.

    Args:
        told: Event as submitted.
        vocabulary: Vocabulary of the bank.
        now: Current time, aware; becomes `available_at`.

    Raises:
        EventRefusedError: A field does not fit; the first one is named.

    Example:
        >>> from events.vocabulary import EventType
        >>> vocabulary = Vocabulary(channels=("app",), products=(), types={"login": EventType(description="")})
        >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
        >>> login = SubmittedEvent(event_id="e1", customer_id="c1", type="login", amount=1.23456)
        >>> accepted(login, vocabulary, noon).amount
        1.2346
        >>> accepted(SubmittedEvent(event_id="e1", customer_id="c1", type="logn"), vocabulary, noon)
        Traceback (most recent call last):
        records.validation.EventRefusedError: type: type unknown: got 'logn', expected 'login' (did you mean it?)
    """
    for name, reason in (("customer_id", Reason.CUSTOMER_ID_MISSING), ("event_id", Reason.EVENT_ID_MISSING)):
        if not getattr(told, name).strip():
            raise EventRefusedError(reason, name, got=f"'{getattr(told, name)}'", expected="an id")
    declared = _declared(told.type, vocabulary)
    _among(told.channel, vocabulary.channels, "channel", Reason.CHANNEL_UNKNOWN)
    _among(told.product, vocabulary.products, "product", Reason.PRODUCT_UNKNOWN)
    return Event(
        event_id=told.event_id,
        customer_id=told.customer_id,
        type=told.type,
        occurred_at=_occurred(told.occurred_at, now),
        available_at=now,
        channel=told.channel,
        product=told.product,
        amount=_amount(told.amount),
        properties={name: _property(name, value, declared) for name, value in told.properties.items()},
        decision_id=told.decision_id,
    )


def _declared(name: str, vocabulary: Vocabulary) -> Mapping[str, Property]:
    if name == ATTRIBUTES_TYPE:
        return vocabulary.attributes
    if name not in vocabulary.types:
        raise EventRefusedError(Reason.TYPE_UNKNOWN, "type", got=f"'{name}'", expected=nearest(name, vocabulary.types))
    return vocabulary.types[name].properties


def _among(name: str | None, valid: Iterable[str], at: str, reason: Reason) -> None:
    known = tuple(valid)
    if name is not None and name not in known:
        raise EventRefusedError(reason, at, got=f"'{name}'", expected=nearest(name, known))


def _occurred(moment: datetime | None, now: datetime) -> datetime:
    if moment is None:
        return now
    if moment > now + CLOCK_SKEW:
        raise EventRefusedError(
            Reason.TIME_IN_THE_FUTURE,
            "occurred_at",
            got=moment.isoformat(),
            expected=f"at most {int(CLOCK_SKEW.total_seconds())} s after {now.isoformat(timespec='seconds')}, "
            "which is now for this service",
            remedy="leave the time out for events that happen now: a simulated bank is not served in real time",
        )
    if moment < _EPOCH:
        raise EventRefusedError(
            Reason.TIME_BEFORE_1970, "occurred_at", got=moment.isoformat(), expected="1970 or later"
        )
    return min(moment.astimezone(UTC), now)


def _amount(amount: float | None) -> float | None:
    if amount is None:
        return None
    if not abs(amount) <= LARGEST_AMOUNT:
        raise EventRefusedError(
            Reason.AMOUNT_OUT_OF_BOUNDS, "amount", got=f"{amount:g}", expected=f"at most {LARGEST_AMOUNT:g}"
        )
    return round(amount, AMOUNT_DECIMALS) + 0.0


def _property(name: str, value: Value, declared: Mapping[str, Property]) -> str:
    at = f"properties.{name}"
    if name not in declared:
        raise EventRefusedError(Reason.PROPERTY_UNFIT, at, got=f"'{name}'", expected=nearest(name, declared))
    form = canonical(_text(value), declared[name])
    if form is None:
        raise EventRefusedError(Reason.PROPERTY_UNFIT, at, got=repr(value), expected=expectation(declared[name]))
    return form


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(float(value)) or "nan"
