"""Puts a customer's new events after their earlier ones, even where a replica's clock is slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from records.journal_tables import EVENTS

_NEWEST: Final = (
    select(EVENTS.c.customer_id, func.max(EVENTS.c.available_at))
    .where(EVENTS.c.customer_id.in_(bindparam("customers", expanding=True)))
    .group_by(EVENTS.c.customer_id)
)


def put_after_known(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Move events submitted as happening now behind the newest known event of their customer.

    Otherwise a consent withdrawn at a replica with a slow clock would precede the one that it withdraws. Events of a
    customer that are accepted together keep their distances.

    Args:
        connection: In the transaction that inserts the rows.
        rows: Rows about to be inserted; changed in place.
    """
    now = [row for row in rows if row["occurred_at"] == row["available_at"]]
    if not now:
        return
    first: dict[str, int] = {}
    for row in now:
        first[row["customer_id"]] = min(first.get(row["customer_id"], row["available_at"]), row["available_at"])
    newest = dict(connection.execute(_NEWEST, {"customers": sorted(first)}).tuples().all())
    for row in now:
        behind = newest.get(row["customer_id"], -1) + 1 - first[row["customer_id"]]
        if behind > 0:
            row["occurred_at"] += behind
            row["available_at"] += behind
