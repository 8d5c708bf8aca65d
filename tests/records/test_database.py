"""Connections to the database of decisions."""

from __future__ import annotations

import sqlite3

import pytest

from records.database import Database


def test_a_connection_that_outlives_the_database_is_closed_by_its_holder(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    connection = database.connect()
    raw = connection.connection.dbapi_connection
    database.close()
    assert raw.execute("SELECT 1").fetchone() == (1,)
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        raw.execute("SELECT 1")
