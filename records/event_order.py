"""What a customer says now comes after what they said before, also where a replica's clock is behind another's."""

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
    """Move events that were told as happening now behind the newest that is known of their customers.

    Else a consent that is withdrawn at a replica whose clock is behind would lie before the one that it takes back.
    Events of a customer that are accepted together keep their distances.

    Args:
        rows: About to be inserted; changed in place.
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
