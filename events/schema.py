"""The Arrow schema of the event log, and conversions between its rows and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError
from domain.event import Event

MOMENT = pa.timestamp("us", tz="UTC")
NAME = pa.dictionary(pa.int32(), pa.string())
PROPERTIES = pa.map_(pa.string(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("occurred_at", MOMENT, nullable=False),
        pa.field("available_at", MOMENT, nullable=False),
        pa.field("type", NAME, nullable=False),
        pa.field("channel", NAME),
        pa.field("product", NAME),
        pa.field("amount", pa.float64()),
        pa.field("properties", PROPERTIES),
        pa.field("decision_id", pa.string()),
    ]
)
"""Columns of the log, in their order."""

LARGEST_AMOUNT = 1e11
AMOUNT_DECIMALS = 4
"""Amounts are kept to 1/10,000, so that sums in fixed point are exact."""


def conform(table: pa.Table) -> pa.Table:
    """Convert a table to the schema of the log, or report what does not fit.

    Missing optional columns become null, amounts are rounded to 4 decimals, null properties become empty.

    Returns:
        The columns of `SCHEMA`, each in one chunk.

    Raises:
        DataError: A required column or value is missing, a type does not fit, an event was available before it
            occurred, or an amount is not a number within 1e11.
    """
    columns = []
    for field in SCHEMA:
        if field.name in table.column_names:
            columns.append(_cast(table.column(field.name), field))
        elif field.nullable:
            columns.append(_cast(pa.nulls(table.num_rows, field.type), field))
        else:
            raise DataError(f"events have no column '{field.name}'", got=", ".join(table.column_names))
    whole = pa.table(columns, schema=SCHEMA)
    if pc.any(pc.less(whole["available_at"], whole["occurred_at"])).as_py():
        raise DataError("an event was available before it occurred", expected="available_at >= occurred_at")
    return whole


def rounded_amounts(amounts: pa.Array) -> pa.Array:
    """Round to 4 decimals; minus zero becomes zero, null stays null.

    Example:
        >>> rounded_amounts(pa.array([12.34567, -0.00001, None])).to_pylist()
        [12.3457, 0.0, None]
    """
    missing = np.asarray(amounts.is_null())
    values = amounts.fill_null(0.0).to_numpy(zero_copy_only=False)
    return pa.array(np.round(values, AMOUNT_DECIMALS) + 0.0, pa.float64(), mask=missing)


def table_of(events: Sequence[Event]) -> pa.Table:
    """Return events as a table, in their order."""
    names = [field.name for field in SCHEMA if field.name != "properties"]
    columns: dict[str, Any] = {name: [getattr(event, name) for event in events] for name in names}
    columns["properties"] = [sorted(event.properties.items()) for event in events]
    return conform(pa.table({field.name: pa.array(columns[field.name], _plain(field.type)) for field in SCHEMA}))


def events_of(table: pa.Table) -> list[Event]:
    """Return a table of the log as events, in its order.

    Example:
        >>> from datetime import UTC, datetime
        >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
        >>> event = Event(event_id="e1", customer_id="c1", type="survey", occurred_at=noon, available_at=noon,
        ...               amount=9.0, properties={"topic": "app"})
        >>> events_of(table_of([event])) == [event]
        True
    """
    return [Event(**{**row, "properties": dict(row["properties"] or ())}) for row in table.to_pylist()]


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Join the chunks of a column, even if their dictionaries differ."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0:
        return pa.array([], _plain(column.type)).cast(column.type)
    return pa.concat_arrays(column.unify_dictionaries().chunks)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _cast(column: pa.ChunkedArray | pa.Array, field: pa.Field) -> pa.Array:
    array = one_chunk(column)
    try:
        if pa.types.is_dictionary(field.type):
            array = array if array.type == field.type else _names(array)
        else:
            array = (array.dictionary_decode() if pa.types.is_dictionary(array.type) else array).cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column '{field.name}' of events does not fit", got=str(column.type), expected=str(field.type)
        ) from error
    if not field.nullable and array.null_count:
        raise DataError(
            f"column '{field.name}' of events has missing values", got=f"{array.null_count} of {len(array)}"
        )
    if field.name == "amount":
        within = pc.less_equal(pc.abs(array), LARGEST_AMOUNT)  # false for not-a-number
        if not pc.all(within, min_count=0).as_py():
            raise DataError(
                "an event's amount is not a number within its bounds", expected=f"at most {LARGEST_AMOUNT:g}"
            )
        return rounded_amounts(array)
    if field.name == "properties" and array.null_count:
        return pc.if_else(array.is_null(), pa.scalar([], PROPERTIES), array)
    return array


def _names(array: pa.Array) -> pa.Array:
    plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    return plain.cast(pa.string()).dictionary_encode().cast(NAME)
