"""Databases written by earlier versions."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import select

from events.log import EventLog
from events.schema import events_of
from records.database import Database
from records.erasures import named
from records.event_rows import microseconds
from records.flush import flush
from records.ingestion import EventStatus
from records.schema import AUDIT, ERASED
from tests.records.build import accept, told
from tests.serving.build import AS_OF

FORMER = """
CREATE TABLE journal_events (
    sequence INTEGER NOT NULL, event_id TEXT NOT NULL, customer_id TEXT NOT NULL, occurred_at BIGINT NOT NULL,
    available_at BIGINT NOT NULL, type TEXT NOT NULL, channel TEXT, product TEXT, amount FLOAT,
    properties TEXT NOT NULL, decision_id TEXT, content VARCHAR(32) NOT NULL,
    stray BOOLEAN NOT NULL, batch VARCHAR(16) NOT NULL,
    drained BOOLEAN DEFAULT 0 NOT NULL, PRIMARY KEY (sequence), UNIQUE (event_id)
);
CREATE INDEX journal_waiting ON journal_events (sequence) WHERE drained = 0;
CREATE TABLE journal_gate (name VARCHAR(16) NOT NULL, moment BIGINT NOT NULL, PRIMARY KEY (name));
CREATE TABLE customer_versions (customer_id TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (customer_id));
CREATE TABLE audit (
    sequence INTEGER NOT NULL, at BIGINT NOT NULL, caller TEXT NOT NULL, act TEXT NOT NULL, subject TEXT, detail TEXT,
    PRIMARY KEY (sequence)
);
CREATE INDEX audit_of_subject ON audit (subject);
INSERT INTO journal_gate VALUES ('drained', -1);
INSERT INTO customer_versions VALUES ('c03', 4);
"""


def test_a_database_of_a_former_version_is_taken_over_when_it_is_opened(tmp_path):
    plain = f"sha256:{sha256(b'c02').hexdigest()}"
    moment = microseconds(AS_OF - timedelta(minutes=30))
    row = {**told("e1", "c03"), "stray": False, "batch": "0" * 16}
    with sqlite3.connect(tmp_path / "decisions.db") as former:
        former.executescript(FORMER)
        lines = [(moment - 5, "clerk", "look at a customer", plain), (moment, "admin", "erase a customer", plain)]
        former.executemany("INSERT INTO audit (at, caller, act, subject) VALUES (?, ?, ?, ?)", lines)
        names = ", ".join(row)
        former.execute(f"INSERT INTO journal_events ({names}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
    former.close()
    for _ in range(2):
        database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
        with database.reading() as connection:
            subjects = connection.execute(select(AUDIT.c.subject)).scalars().all()
            erased = connection.execute(select(ERASED.c.customer, ERASED.c.erased_at)).all()
        # plain hashes can be tried out: they are salted, and known by
        assert subjects == [named(database, "c02")] * 2
        assert erased == [(database.hashed("c02"), moment)]
        database.close()
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    before, after = AS_OF - timedelta(hours=1), AS_OF - timedelta(minutes=1)
    fates = accept(database, told("e2", at=before), told("e3", at=after), told("e1", "c03"))
    assert fates == [EventStatus.ERASED, EventStatus.ACCEPTED, EventStatus.DUPLICATE]
    log = EventLog(tmp_path / "log", buckets=2)
    assert flush(database, log, AS_OF).accepted == 2
    assert [event.event_id for event in events_of(log.read_customer("c03"))] == ["e1"]
    database.close()


def test_two_databases_name_nobody_alike(tmp_path):
    one, other = (Database(f"sqlite:///{tmp_path / name}") for name in ("one.db", "other.db"))
    assert one.hashed("c02") != other.hashed("c02")
    one.close()
    other.close()
