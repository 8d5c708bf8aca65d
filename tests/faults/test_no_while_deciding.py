"""A no that is acknowledged while decisions about the customer are on their way: none of them is an e-mail after it.

By hand, with more tries, on SQLite and on PostgreSQL: `python -m tests.faults.test_no_while_deciding 60`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import select

from config.stores import DecisionLogPlace
from domain.event import Event
from events.log import EventLog
from events.schema import table_of
from records.database import Database
from records.schema import PENDING
from tests.docs.pages import ROOT
from tests.ports import HOST, free_port
from tests.servers import QUIET, started_postgresql
from tests.serving.build import AS_OF
from tests.serving.service.replica import KEY
from tests.waiting import SECONDS, until

TRIES = 8
QUESTIONS = 4
"""Asked at once about each customer; one of them may be an e-mail, for there is one a week."""

LATEST_NO = 0.012
"""Seconds after the questions; a decision takes some of them."""


@dataclass(frozen=True)
class Try:
    """What became of one customer.

    Attributes:
        offered: Decisions that were an e-mail.
        before: Those that were kept when the no was acknowledged.
        told_late: E-mails that were kept before the no, and of which the answer came after it.
    """

    offered: frozenset[str]
    before: frozenset[str]
    told_late: int


def write_log(folder: Path, customers: list[str]) -> None:
    """Customers who agreed to e-mail and log in."""
    events = []
    for customer in customers:
        agreed, came = AS_OF - timedelta(days=100), AS_OF - timedelta(days=20)
        known = {"consent_email": "true", "region": "north"}
        for kind, at, said in (("customer_attributes", agreed, known), ("login", came, {})):
            names = {"event_id": f"{customer} {kind}", "customer_id": customer, "type": kind}
            events.append(Event(**names, occurred_at=at, available_at=at, properties=said))
    EventLog(folder / "log", buckets=2).append(table_of(events))


@contextmanager
def workers(folder: Path, url: str) -> Iterator[list[httpx.Client]]:
    """Two processes that answer over HTTP from one database, as the workers of a service do; a client of each."""
    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            port = free_port()
            command = [sys.executable, "-m", "tests.serving.service.replica", str(folder), str(port), url]
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, **QUIET))
            stack.callback(process.kill)
            client = httpx.Client(base_url=f"http://{HOST}:{port}", headers={"X-API-Key": KEY}, timeout=SECONDS)
            clients.append(stack.enter_context(client))
        for client in clients:
            until(lambda client=client: answers(client))
        yield clients


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def tried(clients: list[httpx.Client], database: Database, customer: str, wait: float) -> Try:
    """Ask both workers, and say no to the second meanwhile."""

    def ask(number: int) -> tuple[str | None, float]:
        question = {"customer_id": customer, "channel": "email"}
        answer = clients[number % 2].post("/v1/decisions", json=question)
        assert answer.status_code in {200, 503}, answer.text
        said = answer.json()
        return said["decision_id"] if said.get("offers") else None, time.perf_counter()

    with ThreadPoolExecutor(QUESTIONS) as threads:
        asked = [threads.submit(ask, number) for number in range(QUESTIONS)]
        time.sleep(wait)
        no = clients[1].put(f"/v1/customers/{customer}/consents", json={"consents": {"consent_email": False}})
        acknowledged = time.perf_counter()
        assert no.json()["fate"] == "accepted", no.text
        with database.reading() as connection:
            mine = select(PENDING.c.decision_id).where(PENDING.c.customer_id == customer)
            before = frozenset(connection.execute(mine).scalars())
        told = [future.result() for future in asked]
    offered = {decision: at for decision, at in told if decision is not None}
    return Try(frozenset(offered), before, sum(at > acknowledged for one, at in offered.items() if one in before))


def all_tries(folder: Path, times: int, url: str) -> list[Try]:
    customers = [f"customer {number}" for number in range(times)]
    write_log(folder, customers)
    database, waits = Database(url), random.Random(7)
    with workers(folder, url) as clients:
        found = [tried(clients, database, customer, waits.uniform(0.0, LATEST_NO)) for customer in customers]
        for customer in customers:
            question = {"customer_id": customer, "channel": "email"}
            assert not clients[0].post("/v1/decisions", json=question).json()["offers"]
    database.close()
    return found


def on_sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'decisions.db'}"


def test_no_decision_on_its_way_is_an_email_after_a_no_was_acknowledged(tmp_path):
    for one in all_tries(tmp_path, TRIES, on_sqlite(tmp_path)):
        assert one.offered <= one.before


def main() -> None:
    times = int(sys.argv[1])
    with TemporaryDirectory() as folder:
        report("SQLite", all_tries(Path(folder), times, on_sqlite(Path(folder))))
    with TemporaryDirectory() as folder, started_postgresql() as server:
        report("PostgreSQL", all_tries(Path(folder), times, DecisionLogPlace.read(server.url()).url("small")))


def report(database: str, found: list[Try]) -> None:
    late = sum(not one.offered <= one.before for one in found)
    answered_late = sum(one.told_late for one in found)
    print(
        f"{database}: {len(found)} tries, {sum(bool(one.offered) for one in found)} with an e-mail: {late} kept after"
        f" the no was acknowledged; {answered_late} kept before it and answered after it"
    )


if __name__ == "__main__":
    main()
