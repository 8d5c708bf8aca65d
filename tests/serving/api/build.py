"""The real application for the small bank, with real database, log and reader; only the models are formulas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.bank import Bank
from config.service import ApiKey, ServiceSettings
from events.erasure import erase_customer
from events.log import EventLog
from records.database import Database
from records.journal import Journal
from serving.api.app import create_app
from serving.api.security import new_key
from serving.customer_features import CustomerReader
from serving.intraday import TodaysEvents
from serving.service.clock import Clock
from serving.service.engine import LiveEngine
from serving.service.service import Service
from serving.service.service_files import ServiceFiles
from tests.serving.api.client import Client, running
from tests.serving.build import AS_OF, small_bank, small_decider, small_log
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from serving.api.tracing import Tracing

KEYS: dict[str, str] = {}
ENTRIES = []
for _name in ("decide", "listen", "read", "admin"):
    KEYS[_name], _entry = new_key(_name, [_name])
    ENTRIES.append(ApiKey(name=_name, sha256=_entry["sha256"], scopes=(_name,)))

# a machine that is slow is none whose database is away
SETTINGS = ServiceSettings(keys=tuple(ENTRIES), answer_seconds=SECONDS)


def engine_of(bank: Bank, log: EventLog, database: Database, **more: Any) -> LiveEngine:
    reader = CustomerReader(bank, log, None, Journal(database, bank.vocabulary.contacts), TodaysEvents(log))
    return LiveEngine(small_decider(bank), reader, **more)


def small_service(
    folder: Path,
    *,
    bank: Bank | None = None,
    url: str | None = None,
    settings: ServiceSettings = SETTINGS,
    start: datetime = AS_OF,
    **more: Any,
) -> Service:
    bank = bank or small_bank()
    log = EventLog(folder / "log") if (folder / "log").exists() else small_log(folder / "log")
    database = Database(url or f"sqlite:///{folder / 'decisions.db'}")
    files = ServiceFiles(
        decisions=folder / "decisions",
        erase=lambda customer: {"event_log": erase_customer(log.folder, customer)},
        **more,
    )
    return Service(database, engine_of(bank, log, database), Clock(start), settings, log, files)


@contextmanager
def small_client(folder: Path, scope: str = "admin", tracing: Tracing | None = None, **more: Any) -> Iterator[Client]:
    """Return a client with a key of one scope."""
    settings = replace(more.pop("settings", SETTINGS), answer_seconds=SECONDS)
    app = create_app(lambda: small_service(folder, settings=settings, **more), tracing)
    with running(app, {"X-API-Key": KEYS[scope]}) as client:
        yield client


def with_policy(bank: Bank, **changes: Any) -> Bank:
    return replace(bank, policy=replace(bank.policy, **changes))
