from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from domain.errors import StateError
from records.made_tables import expect_made, note_made


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "a#b%20c d?.db"
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("CREATE TABLE kept (name TEXT)")
    note_made(place, ["kept"])
    return place


def test_a_database_that_was_made_is_missed(file):
    expect_made(file, "restore it")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE kept")
    for got in ("an empty file", "an empty file", "no file"):
        with pytest.raises(StateError, match=f"got {got}, expected .*; restore it"):
            expect_made(file, "restore it")
        if file.exists() and file.stat().st_size:
            file.write_bytes(b"")
        else:
            file.unlink(missing_ok=True)
