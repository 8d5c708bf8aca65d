"""Processes that submit, import and erase until they are killed; they write what was acknowledged to files."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from domain.event import Event
from events.erasure import erase_customer
from events.log import EventLog
from records.database import Database
from records.erasures import ErasedCustomers
from records.event_rows import microseconds, row_of
from records.flush import flush
from records.group_commit import GroupCommit
from records.ingestion import EventIngestion, EventStatus
from serving.service.clock import Clock
from serving.service.erasure import ErasureService

STAYING = tuple(f"stays{number}" for number in range(4))
GOING = tuple(f"goes{number}" for number in range(4))

BEING_ERASED = "being erased"


def log_of(folder: Path, database: Database) -> EventLog:
    return EventLog(folder / "log", buckets=2, erased=lambda: ErasedCustomers(database))


def tell(url: str, folder: Path, seed: int) -> None:
    """Submit events of all customers, several at once, and write down the accepted ones."""
    chance, database, clock = random.Random(seed), Database(url), Clock()
    commits, kind = GroupCommit(database), EventIngestion(database, None)
    with (folder / f"told-{seed}").open("a") as acknowledged:
        for number in count():
            now = clock.now()
            events = [
                Event(
                    event_id=f"{seed}-{number}-{place}",
                    customer_id=chance.choice(STAYING + 3 * GOING),
                    type="login",
                    occurred_at=now,
                    available_at=now,
                )
                for place in range(chance.randint(1, 5))
            ]
            fates = commits.submit(kind, [row_of(event, said_at=None) for event in events]).result()
            for event, fate in zip(events, fates, strict=True):
                if fate is EventStatus.ACCEPTED:
                    acknowledged.write(f"{event.event_id} {event.customer_id} {microseconds(now)}\n")
            acknowledged.flush()


def bring_in(url: str, folder: Path, seed: int) -> None:
    """Flush again and again, without waiting for the other processes."""
    del seed
    database = Database(url)
    log = log_of(folder, database)
    while True:
        flush(database, log, datetime.now(UTC))


def erasing(database: Database, folder: Path) -> ErasureService:
    return ErasureService(database, Clock(), lambda customer: {"log": erase_customer(folder / "log", customer)})


def erase(url: str, folder: Path, seed: int) -> None:
    """Erase customers one after the other, and write down who is being erased."""
    chance, database = random.Random(seed), Database(url)
    service = erasing(database, folder)
    while True:
        customer = chance.choice(GOING)
        (folder / f"{BEING_ERASED}-{seed}").write_text(customer)
        service.erase(customer, "tests")
