"""A small bank with a log and sources, which the tests fill."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from domain.event import Event
from events.importing import import_sources
from events.log import EventLog
from events.mapping import Source
from events.report import ImportReport
from events.schema import table_of
from events.vocabulary import ContactEvents, EventType, Property, Vocabulary

NOW = datetime(2026, 7, 1, tzinfo=UTC)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFER = {"offer": Property(type="text")}
VOCABULARY = Vocabulary(
    channels=("app", "web", "email"),
    products=("savings", "loan"),
    types={
        "app_login": EventType(description="", groups=("activity",)),
        "card_payment": EventType(description="", groups=("activity",)),
        "survey": EventType(
            description="",
            properties={
                "score": Property(type="number"),
                "mood": Property(values=("good", "bad")),
                "again": Property(type="boolean"),
            },
        ),
        "offer_presented": EventType(description="", properties=OFFER),
        "offer_accepted": EventType(description="", groups=("activity",), properties=OFFER),
    },
    attributes={
        "birth_year": Property(type="number", unit="year"),
        "region": Property(values=("north", "south")),
        "consent_email": Property(type="boolean"),
    },
    contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted"),
)
SOURCE = Source(
    name="crm",
    files=("crm.csv",),
    columns={
        "event_id": "id",
        "customer_id": "customer",
        "occurred_at": "time",
        "type": "kind",
        "channel": "channel",
        "product": "product",
        "amount": "amount",
    },
    properties={"score": "score", "mood": "mood", "again": "again", "offer": "offer"},
)
HEADER = ("id", "customer", "time", "kind", "channel", "product", "amount", "score", "mood", "again", "offer")
GOOD = {"id": "e1", "customer": "c1", "time": "2026-01-05T09:00:00Z", "kind": "app_login"}


def event(number: int, customer: str = "c1", **changes: Any) -> Event:
    moment = START + timedelta(minutes=number)
    plain = Event(
        event_id=f"e{number}", customer_id=customer, type="app_login", occurred_at=moment, available_at=moment
    )
    return replace(plain, **changes)


def events(count: int, customers: int = 7) -> pa.Table:
    return table_of([event(number, f"c{number % customers}") for number in range(count)])


def csv_lines(rows: Sequence[Mapping[str, str]], header: Sequence[str] = HEADER) -> str:
    lines = [",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)]
    return "\n".join(lines) + "\n"


class Desk:
    """A folder of source files beside a log and a quarantine."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        self.quarantine = folder / "quarantine"
        self.log = EventLog(folder / "log", buckets=4)

    def put(self, name: str, content: str | bytes) -> Path:
        raw = content.encode() if isinstance(content, str) else content
        path = self.files / name
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    def run(self, *sources: Source, now: datetime = NOW) -> ImportReport:
        return import_sources(self.log, sources or (SOURCE,), VOCABULARY, self.files, self.quarantine, now=now)

    def run_rows(self, *rows: Mapping[str, str]) -> ImportReport:
        self.put("crm.csv", csv_lines(rows))
        return self.run()

    def all_events(self) -> pa.Table:
        return pa.concat_tables([self.log.read_bucket(bucket) for bucket in range(self.log.buckets)])
