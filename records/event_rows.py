"""Converts events to rows of the journal, and rows to the tables that the kernel and the event log read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa

from domain.event import Event
from events.schema import MOMENT, PROPERTIES, SCHEMA

COLUMNS: Final = tuple(SCHEMA.names)
"""Columns of a journal row when it is read: those of the event log."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TYPES: Final = {
    "occurred_at": MOMENT,
    "available_at": MOMENT,
    "amount": pa.float64(),
    "properties": PROPERTIES,
}


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, UTC, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds_since: int) -> datetime:
    """Return the moment that is a number of microseconds after the beginning of 1970, UTC.

    Example:
        >>> moment_of(microseconds(datetime(2026, 1, 1, 12, 30, tzinfo=UTC))).isoformat()
        '2026-01-01T12:30:00+00:00'
    """
    return _EPOCH + timedelta(microseconds=microseconds_since)


def row_of(event: Event, *, said_at: datetime | None) -> dict[str, Any]:
    """Return an event as a row of the journal.

    Args:
        event: Accepted event.
        said_at: Time of occurrence as submitted; the digest of content uses it, not the time corrected for clocks.
    """
    row: dict[str, Any] = {
        "event_id": event.event_id,
        "customer_id": event.customer_id,
        "type": event.type,
        "channel": event.channel,
        "product": event.product,
        "amount": event.amount,
        "properties": json.dumps(sorted(event.properties.items()), ensure_ascii=False),
        "decision_id": event.decision_id,
    }
    submitted = repr((*row.values(), None if said_at is None else microseconds(said_at)))
    content = blake2b(submitted.encode(), digest_size=16).hexdigest()
    return {
        **row,
        "occurred_at": microseconds(event.occurred_at),
        "available_at": microseconds(event.available_at),
        "content": content,
    }


def table_of_rows(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows as a table with the columns of the event log; names are plain strings, rows keep their order.

    Args:
        rows: Values of `COLUMNS`, properties as JSON.

    Example:
        >>> row = ("e1", "c1", 0, 5, "login", None, None, 2.5, '[["offer", "loan"]]', None)
        >>> table = table_of_rows([row])
        >>> table["properties"].to_pylist(), table["available_at"].cast(pa.int64()).to_pylist()
        ([[('offer', 'loan')]], [5])
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    arrays = []
    for name, values in zip(COLUMNS, columns, strict=True):
        read = map(_pairs, values) if name == "properties" else values
        arrays.append(pa.array(list(read), _TYPES.get(name, pa.string())))
    return pa.Table.from_arrays(arrays, names=list(COLUMNS))


def _pairs(properties: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in json.loads(properties)]
