"""A database of decisions that is damaged, cut off, emptied or gone: told at the start, and never made anew."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from domain.errors import StateError
from nbo.processes import Servers
from nbo.servers import start_prefect
from records.database import Database
from tests.ports import free_port
from tests.records.build import accept, told


def without(statement):
    def change(file):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)

    return change


def overwritten(file):
    content = bytearray(file.read_bytes())
    content[8192:10000] = bytes(1808)
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (overwritten, "is damaged"),
        (lambda file: os.truncate(file, file.stat().st_size // 2), "is damaged"),
        (lambda file: os.truncate(file, 0), "an empty file"),
        (lambda file: file.write_text("no database" * 999), "file is not a database"),
        (lambda file: file.unlink(), "is missing"),
        (without("DROP TABLE outbox"), "no table outbox"),
        (without("ALTER TABLE decisions DROP COLUMN record"), "no column record"),
    ],
)
def test_what_is_wrong_with_a_database_is_reported_at_the_start(tmp_path, damage, words):
    file = tmp_path / "decisions.db"
    database = Database(f"sqlite:///{file}")
    accept(database, *[told(f"e{number}", properties={"offer": "x" * 300}) for number in range(100)])
    database.sweep()
    database.close()
    damage(file)
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(StateError, match=words) as raised:
        Database(f"sqlite:///{file}")
    assert raised.value.remedy
    # whoever restores it finds what was left as it was
    assert (file.read_bytes() if file.exists() else None) == before


def test_what_becomes_damaged_while_it_is_used_is_told_as_damage(tmp_path):
    file = tmp_path / "decisions.db"
    database = Database(f"sqlite:///{file}")
    accept(database, *[told(f"e{number}", properties={"offer": "x" * 300}) for number in range(100)])
    database.sweep()
    database.close()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + bytes(len(content) - 4096))
    with pytest.raises(StateError, match="damaged"), database.transaction() as connection:
        connection.exec_driver_sql("SELECT * FROM journal_events").all()


def test_a_damaged_database_of_flow_runs_is_named_before_a_server_opens_it(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    (tmp_path / "prefect.db").write_text("no database" * 999)
    with pytest.raises(StateError, match=r"prefect\.db is damaged") as raised, Servers(tmp_path / "logs") as servers:
        start_prefect(servers, free_port())
    assert raised.value.remedy is not None
    assert raised.value.remedy.startswith(f"remove {tmp_path / 'prefect.db'}")
