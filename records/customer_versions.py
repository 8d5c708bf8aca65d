"""Versions of customers: every change raises a customer's version, so that outdated decisions are computed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from records.database import Database
from records.schema import CUSTOMERS
from records.statements import Statement, insert_new

_OF_CUSTOMERS: Final = select(CUSTOMERS.c.customer_id, CUSTOMERS.c.version).where(
    CUSTOMERS.c.customer_id.in_(bindparam("customers", expanding=True))
)
_VERSIONS: Final = Statement(_OF_CUSTOMERS)
# SQLite locks the whole database, so FOR UPDATE is left out for it
_LOCKED: Final = Statement(_OF_CUSTOMERS.order_by(CUSTOMERS.c.customer_id).with_for_update())
_RAISED: Final = update(CUSTOMERS).where(CUSTOMERS.c.customer_id == bindparam("customer"))
_RAISE: Final = Statement(_RAISED.values(version=CUSTOMERS.c.version + 1))
_FORGET: Final = Statement(
    delete(CUSTOMERS).where(CUSTOMERS.c.customer_id == bindparam("customer"), CUSTOMERS.c.version == 0)
)


def lock_customers(connection: Connection, database: Database, customers: Iterable[str]) -> dict[str, int]:
    """Lock the versions of customers until this transaction ends, in the order of their ids.

    A transaction locks all customers that it needs at once, so that no two transactions deadlock.

    Returns:
        Version of each customer; 0 for one that had none.
    """
    names = sorted(set(customers))
    found: dict[str, int] = {}
    while len(found) < len(names):  # repeated if a customer was erased between the two statements
        insert_new(CUSTOMERS).run_each(connection, [{"customer_id": name, "version": 0} for name in names])
        found = dict(_LOCKED.rows(connection, customers=names))
    return found


def forget_unchanged(connection: Connection, customers: Collection[str]) -> None:
    """Remove the rows of customers who were locked but did not change, for example because they were erased."""
    if customers:
        _FORGET.run_each(connection, [{"customer": customer} for customer in sorted(customers)])


def versions_of(connection: Connection, customers: Iterable[str]) -> dict[str, int]:
    """Read the versions of customers; those without a row are left out."""
    names = sorted(set(customers))
    if not names:
        return {}
    return dict(_VERSIONS.rows(connection, customers=names))


def raise_versions(connection: Connection, customers: Iterable[str]) -> None:
    """Raise the versions of locked customers, so that concurrent decisions for them are computed again."""
    rows = [{"customer": customer} for customer in sorted(set(customers))]
    if rows:
        _RAISE.run_each(connection, rows)
