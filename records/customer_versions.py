"""Versions of customers: what is known of one changes their version, and who decided by an older one decides anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from records.database import Database
from records.journal_tables import CUSTOMERS

# made once, for making a statement takes longer than the database does; SQLite locks as a whole, and FOR UPDATE is
# left out for it
_VERSIONS: Final = select(CUSTOMERS.c.customer_id, CUSTOMERS.c.version).where(
    CUSTOMERS.c.customer_id.in_(bindparam("customers", expanding=True))
)
_LOCKED: Final = _VERSIONS.order_by(CUSTOMERS.c.customer_id).with_for_update()
_RAISED: Final = update(CUSTOMERS).where(CUSTOMERS.c.customer_id == bindparam("customer"))
_RAISE: Final = _RAISED.values(version=CUSTOMERS.c.version + 1)


def lock_customers(connection: Connection, database: Database, customers: Iterable[str]) -> dict[str, int]:
    """Keep others from changing the versions of some customers until this transaction ends, in the order of their ids.

    A transaction locks all that it will need at once, so that no two wait for each other.

    Returns:
        Their versions; 0 for one that had none.
    """
    names = sorted(set(customers))
    found: dict[str, int] = {}
    while len(found) < len(names):  # again, where one was erased between both statements
        connection.execute(database.add(CUSTOMERS), [{"customer_id": name, "version": 0} for name in names])
        found = dict(connection.execute(_LOCKED, {"customers": names}).tuples().all())
    return found


def forget_unchanged(connection: Connection, customers: Collection[str]) -> None:
    """Leave nothing of customers who were locked and to whom nothing happened: of those who were erased, say."""
    if customers:
        unchanged = CUSTOMERS.c.customer_id.in_(sorted(customers)) & (CUSTOMERS.c.version == 0)
        connection.execute(delete(CUSTOMERS).where(unchanged))


def versions_of(connection: Connection, customers: Iterable[str]) -> dict[str, int]:
    """Read the versions of some customers; one that is not there has none."""
    names = sorted(set(customers))
    if not names:
        return {}
    return dict(connection.execute(_VERSIONS, {"customers": names}).tuples().all())


def raise_versions(connection: Connection, customers: Iterable[str]) -> None:
    """Have whoever decides for some customers at this moment decide anew; their versions are locked already."""
    rows = [{"customer": customer} for customer in sorted(set(customers))]
    if rows:
        connection.execute(_RAISE, rows)
