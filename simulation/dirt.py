"""Invalid rows, as every real bank has them, which show quarantine at work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from simulation.delivery import Delivery

DIRTY_ROWS = {
    "touchpoints": ("unknown type", "missing customer", "time in the future"),
    "core_banking": ("missing customer",),
}
"""Invalid rows planted in each source."""
ROWS_OF_EACH = 3
LEAST_ROWS = 20
"""A source with fewer rows is left clean."""
REDELIVERED_ROWS = 40
"""Rows of the second month's touchpoints that are delivered again, in a separate file."""


def spoil(source: str, delivery: Delivery) -> tuple[Delivery, dict[str, int]]:
    """Add invalid copies of rows, with ids of their own, to a source; return their number by reason."""
    table = delivery.table
    planted: dict[str, int] = {}
    days = delivery.days
    identity = table.column_names[0]
    if len(table) < LEAST_ROWS:
        return delivery, planted
    for number, reason in enumerate(DIRTY_ROWS.get(source, ())):
        places = np.linspace(0.2, 0.8, ROWS_OF_EACH) * (len(delivery.days) - 1)
        rows = delivery.table.take(pa.array(places.astype(np.int64) + number))
        ids = pa.array([f"X{number}{row:07d}" for row in range(ROWS_OF_EACH)])
        rows = _with(rows, identity, ids)
        column, value = {
            "unknown type": ("event", "fax_received"),
            "missing customer": (table.column_names[1], None),
            "time in the future": ("time", "2099-01-01T00:00:00"),
        }[reason]
        rows = _with(rows, column, pa.array([value] * ROWS_OF_EACH, pa.string()))
        table = pa.concat_tables([table, rows])
        days = np.concatenate([days, delivery.days[places.astype(np.int64) + number]])
        planted[f"{source}: {reason}"] = ROWS_OF_EACH
    order = np.argsort(days, kind="stable")
    return replace(delivery, table=table.take(pa.array(order)), days=days[order]), planted


def redelivery(month: pa.Table) -> pa.Table:
    """Return the first rows of a month, to be delivered again."""
    return month.slice(0, min(REDELIVERED_ROWS, len(month)))


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)
