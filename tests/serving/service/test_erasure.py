"""Data from before an erasure never comes back, whichever way and whenever it arrives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select

from domain.event import Event
from events.erasure import erase_customer
from events.log import EventLog
from events.mapping import Source
from events.quarantine import Quarantine, Reason, Rejection, without_erased
from events.schema import events_of, table_of
from records.audit import AuditEntry
from records.decision_writes import AnswerWrite
from records.erasures import ErasedCustomers
from records.event_rows import microseconds
from records.flush import flush
from records.ingestion import EventStatus
from records.schema import METADATA
from records.validation import SubmittedEvent
from serving.batch.contacts import SCHEMA
from serving.delivery.files import ContactFile
from serving.delivery.outbox import Contact, Outbox
from serving.service.deciding import PendingDecision
from serving.service.decision_request import DecisionRequest
from serving.service.erasure import ErasureService
from serving.service.service import Service
from tests.records.build import empty_postgresql
from tests.serving.api.build import small_service
from tests.serving.build import AS_OF

CUSTOMER = "c02"
NAMED = re.compile(rf"\b{CUSTOMER}\b")
BEFORE = AS_OF - timedelta(hours=1)
MIDNIGHT = AS_OF - timedelta(hours=16)


@dataclass
class World:
    """A service, and everything already read about a customer, as a concurrent process would hold it."""

    service: Service
    log: EventLog
    folder: Path
    prepared: dict[str, PendingDecision] = field(default_factory=dict)
    taken: list[Contact] = field(default_factory=list)

    @classmethod
    def begin(cls, folder: Path, url: str | None) -> World:
        service = small_service(folder, url=url)
        log = EventLog(folder / "log", erased=lambda: ErasedCustomers(service.database))
        world = cls(service, log, folder)
        assert world.tell("told", occurred_at=None) is EventStatus.ACCEPTED
        asked = {channel: DecisionRequest(customer_id=CUSTOMER, channel=channel) for channel in ("app", "email")}
        world.prepared = {channel: service.decisions.prepare([one])[0] for channel, one in asked.items()}
        assert world.prepared["email"].answered
        world.gather("yesterday's run", MIDNIGHT - timedelta(days=1))
        world.taken = world.outbox.take("email", AS_OF, 10, timedelta(hours=1))
        assert len(world.taken) == 1
        return world

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.service.database, {})

    def tell(self, event_id: str, occurred_at: datetime | None) -> EventStatus:
        told = SubmittedEvent(event_id=event_id, customer_id=CUSTOMER, type="login", occurred_at=occurred_at)
        [fate] = self.service.ingestion.ingest([told]).fates.result(timeout=30)
        return fate

    def keep(self, channel: str) -> None:
        made = self.prepared[channel].made
        assert made is not None
        write = AnswerWrite(decisions=(made,), request=None, answer=b"", at=microseconds(AS_OF))
        self.service.commits.submit(self.service.decision_queue._writer, write).result(timeout=30)

    def gather(self, run: str, midnight: datetime) -> None:
        row = dict.fromkeys(SCHEMA.names) | {
            "customer_id": CUSTOMER, "channel": "email", "contact_at": BEFORE, "offer": "savings_plus",
            "treatment": "letter", "decision_id": f"{run[:9]}-c02",
        }  # fmt: skip
        self.outbox.gather(run, midnight, pa.Table.from_pylist([row], SCHEMA))

    def erase(self, meanwhile: Callable[[], object]) -> None:
        def erase_files(customer: str) -> dict[str, int]:
            erased = {"log": erase_customer(self.log.folder, customer)}
            meanwhile()
            return erased

        ErasureService(self.service.database, self.service.clock, erase_files).erase(CUSTOMER, "tests")

    def found(self) -> set[str]:
        """Return the places where the customer is found."""
        places = {"log"} if len(self.log.read_customer(CUSTOMER)) else set()
        with self.service.database.reading() as connection:
            for table in METADATA.sorted_tables:
                rows = connection.execute(select(table)).all()
                if any(NAMED.search(str(value)) for row in rows for value in row):
                    places.add(table.name)
        files = [file for name in ("letters", "quarantine") for file in (self.folder / name).glob("*")]
        return places | {file.parent.name for file in files if CUSTOMER in file.read_text()}


def import_file(world: World) -> None:
    """Import again with other ids, as a corrected mapping gives them."""
    event = Event(event_id="from a file", customer_id=CUSTOMER, type="login", occurred_at=BEFORE, available_at=BEFORE)
    world.log.append(table_of([event]))


def quarantine_row(world: World) -> None:
    source = Source(name="crm", files=("*.csv",), columns={"customer_id": "client"})
    rejection = Rejection(1, Reason.TYPE_UNKNOWN, "", {"client": f" {CUSTOMER} ", "kind": "?"})
    with world.log.transaction() as transaction, Quarantine(world.folder / "quarantine") as quarantine:
        quarantine.add("crm", "a.csv", without_erased(rejection, transaction.erased, source))


def deliver_file(world: World) -> None:
    begun = world.outbox.begin(world.taken, world.service.clock.now())
    ContactFile(world.outbox, world.folder / "letters", "csv").send(begun or world.taken, world.service.clock.now())


def keep_batch(world: World) -> None:
    row: dict[str, Any] = {
        "rank": 1, "decision_id": "of a night", "customer_id": CUSTOMER, "channel": "email", "stage": "growth",
        "offer": "savings_plus", "propensity": 0.1, "value": 1.0, "priority": 1.0, "selection_probability": 1.0,
        "as_of": MIDNIGHT,
    }  # fmt: skip
    world.service.decision_log.append_batch(pa.Table.from_pylist([row]), part="night/p", seed=7, versions={})


def look(world: World) -> None:
    line = AuditEntry(at=microseconds(AS_OF), caller="clerk", act="look at a customer", subject=CUSTOMER)
    world.service.commits.submit(world.service.audit, line).result(timeout=30)


DOORS: dict[str, Callable[[World], object]] = {
    "an event that occurred before": lambda world: world.tell("late", BEFORE),
    "an event that was told before, without a moment": lambda world: world.tell("told", None),
    "an import of files": import_file,
    "a row in quarantine": quarantine_row,
    "an import of the journal": lambda world: flush(world.service.database, world.log, world.service.clock.now()),
    "a decision on its way": lambda world: world.keep("app"),
    "a contact on its way": lambda world: world.keep("email"),
    "decisions of a night": keep_batch,
    "the plan of a night": lambda world: world.gather("run", MIDNIGHT),
    "a delivery on its way": deliver_file,
    "a look": look,
}
FILES = {"a row in quarantine", "a delivery on its way"}
"""Doors whose files `wiring.erasure` erases; it is not here, and so they are not tried before the erasure."""

TABLE = [
    (door, order) for door in DOORS for order in ("before", "while", "after") if order != "before" or door not in FILES
]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = None if request.param == "sqlite" else empty_postgresql(request.getfixturevalue("postgresql_server"))
    world = World.begin(tmp_path, url)
    yield world
    world.service.close()


@pytest.mark.parametrize(("door", "order"), TABLE)
def test_nothing_comes_back(world: World, door: str, order: str) -> None:
    come = DOORS[door]
    if order == "before":
        come(world)
    assert "log" in world.found()
    world.erase(lambda: come(world) if order == "while" else None)
    if order == "after":
        come(world)
    assert world.found() == set()


def test_what_occurs_after_the_erasure_is_a_new_customers(world: World) -> None:
    world.erase(lambda: None)
    assert world.tell("told", None) is EventStatus.ERASED
    assert world.tell("new", world.service.clock.now()) is EventStatus.ACCEPTED
    now = world.service.clock.now()
    event = Event(event_id="new too", customer_id=CUSTOMER, type="login", occurred_at=now, available_at=now)
    assert world.log.append(table_of([event])).accepted == 1
    flush(world.service.database, world.log, world.service.clock.now())
    assert len(world.log.read_customer(CUSTOMER)) == 2
    answer = world.service.decision_queue.ask(DecisionRequest(customer_id=CUSTOMER, channel="app")).result(timeout=30)
    assert b'"decision_id"' in answer
    assert "decisions" in world.found()


def test_what_occurs_and_is_imported_while_files_are_looked_through_is_a_new_customers_too(world: World) -> None:
    def meanwhile() -> None:
        for event_id in ("imported", "waiting"):
            assert world.tell(event_id, world.service.clock.now()) is EventStatus.ACCEPTED
            if event_id == "imported":
                flush(world.service.database, world.log, world.service.clock.now())

    world.erase(meanwhile)
    flush(world.service.database, world.log, world.service.clock.now())
    assert world.log.read_customer(CUSTOMER)["event_id"].to_pylist() == ["imported", "waiting"]
    erased = ErasedCustomers(world.service.database)
    for event in events_of(world.log.read_customer(CUSTOMER)):
        assert erased.until([CUSTOMER])[0] < microseconds(event.occurred_at)
    assert world.tell("told", None) is EventStatus.ERASED


def test_a_decision_that_is_outrun_by_an_erasure_is_made_of_a_customer_nobody_knows(world: World) -> None:
    asked = DecisionRequest(customer_id=CUSTOMER, channel="email")
    prepare = world.service.decisions.prepare

    def erased_in_between(questions: Any, steps: Any) -> list[PendingDecision]:
        made = prepare(questions, steps)
        world.service.decisions.prepare = prepare  # type: ignore[method-assign]
        world.erase(lambda: None)
        return made

    world.service.decisions.prepare = erased_in_between  # type: ignore[assignment]
    answer = world.service.decision_queue.ask(asked).result(timeout=30)
    assert b'"features_from":"nothing"' in answer
