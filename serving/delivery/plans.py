"""The plan in force: the latest plan of a night replaces earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, delete, select, update

from records.database import Database
from records.event_rows import microseconds
from records.schema import GATHERED, OUTBOX, PLANS
from serving.delivery.states import State


def night_of(midnight: datetime, time_zone: tzinfo) -> str:
    """Return the local day that names a night.

    Example:
        >>> from datetime import UTC
        >>> night_of(datetime(2026, 6, 1, tzinfo=UTC), UTC)
        '2026-06-01'
    """
    return f"{midnight.astimezone(time_zone):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Contacted:
    """Contacts of a night that have left the outbox: their channels have them, or may have them.

    Attributes:
        decisions: Customer of each contact, by decision id.
    """

    decisions: dict[str, str]

    @property
    def customers(self) -> frozenset[str]:
        """Customers who must not be contacted again for this night."""
        return frozenset(self.decisions.values())


def contacted(database: Database, night: str) -> Contacted:
    """Read which contacts of a night have left the outbox.

    Raises:
        StateError: The database does not answer, so nobody may be contacted.
    """
    with database.reading() as connection:
        return _contacted(connection, night)


def plan_in_force(database: Database, night: str) -> str | None:
    """Return the run whose plan is in force for a night; None if none was charged."""
    with database.reading() as connection:
        found = connection.execute(select(PLANS.c.run).where(PLANS.c.night == night)).scalar()
    return found or None


def lock_plan(database: Database, connection: Connection, night: str) -> str | None:
    """Return the run whose plan is in force, and lock it until the transaction ends."""
    connection.execute(database.add(PLANS), {"night": night, "run": ""})
    query = select(PLANS.c.run).where(PLANS.c.night == night)
    found = connection.execute(query if database.is_sqlite else query.with_for_update()).scalar_one()
    return str(found) or None


def supersede(connection: Connection, night: str, run: str, now: datetime) -> Contacted:
    """Put a plan in force, and cancel the waiting contacts of earlier plans of the same night.

    Args:
        connection: Transaction that charges the plan, after `lock_plan`.
        night: Day of the plan.
        run: Run that made the plan.
        now: Aware moment.

    Returns:
        The contacts of earlier plans that have left and stay charged.
    """
    waiting = (OUTBOX.c.night == night) & (OUTBOX.c.state == State.WAITING) & (OUTBOX.c.attempts == 0)
    cancelled = {"state": State.SUPERSEDED, "settled_at": microseconds(now), "reason": "replaced by a newer plan"}
    # before reading what has left: after this nothing of the night can leave any more
    connection.execute(update(OUTBOX).where(waiting).values(cancelled))
    # if an earlier run's plan comes into force again, its contacts are inserted again
    connection.execute(delete(GATHERED).where(GATHERED.c.night == night))
    connection.execute(update(PLANS).where(PLANS.c.night == night).values(run=run))
    return _contacted(connection, night)


def make_room(connection: Connection, night: str, customers: list[str]) -> None:
    """Delete cancelled or withheld unsent contacts of a night for customers who get a new one."""
    unsent = (OUTBOX.c.attempts == 0) & OUTBOX.c.state.in_((State.SUPERSEDED, State.WITHHELD, State.EXPIRED))
    for portion in _portions(customers):
        connection.execute(delete(OUTBOX).where(OUTBOX.c.night == night, unsent, OUTBOX.c.customer_id.in_(portion)))


def _contacted(connection: Connection, night: str) -> Contacted:
    query = select(OUTBOX.c.decision_id, OUTBOX.c.customer_id).where(OUTBOX.c.night == night, OUTBOX.c.attempts > 0)
    return Contacted(dict(connection.execute(query).tuples().all()))


def _portions(values: list[str], size: int = 5_000) -> Iterator[list[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
