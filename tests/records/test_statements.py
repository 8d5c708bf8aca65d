"""Statements that the driver runs give what SQLAlchemy gives, and fail as it fails."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select

from domain.errors import StateError
from records.database import Database
from records.schema import ANSWERS, CUSTOMERS
from records.statements import Statement, insert_new
from tests.records.build import empty_postgresql

FOUND = (
    select(CUSTOMERS)
    .where(CUSTOMERS.c.customer_id.in_(bindparam("names", expanding=True)), CUSTOMERS.c.version >= 1)
    .where(CUSTOMERS.c.version < bindparam("below"))
    .order_by(CUSTOMERS.c.customer_id)
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """Return an empty database: an SQLite file, or a real PostgreSQL."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    return Database(empty_postgresql(request.getfixturevalue("postgresql_server")))


@pytest.mark.parametrize("asked", [0, 1, 2, 3, 5, 7])
def test_rows_are_those_of_sqlalchemy_for_lists_of_any_length(database, asked):
    rows = [{"customer_id": f"c{number}", "version": number} for number in range(7)]
    names = [row["customer_id"] for row in rows][:asked]
    with database.transaction() as connection:
        insert_new(CUSTOMERS).run_each(connection, rows)
    with database.reading() as connection:
        expected = connection.execute(FOUND, {"names": names, "below": 6}).tuples().all()
        assert Statement(FOUND).rows(connection, names=names, below=6) == [tuple(row) for row in expected]
    assert len(expected) == max(0, min(asked, 6) - 1)
    database.close()


def test_rows_that_exist_are_skipped_by_one_insert_and_refused_by_the_other(database):
    row = {"request_id": "1", "customer_id": None, "content": "a", "answer": b"\x00\xff", "answered_at": 1}
    with database.transaction() as connection:
        insert_new(ANSWERS).run_each(connection, [row, row])
    refused = pytest.raises(StateError, match="the database of decisions rejected the call")
    with refused, database.transaction() as connection:
        Statement(ANSWERS.insert()).run_each(connection, [row])
    with database.reading() as connection:
        [(answer,)] = Statement(select(ANSWERS.c.answer)).rows(connection)
    assert answer == b"\x00\xff"
    database.close()
