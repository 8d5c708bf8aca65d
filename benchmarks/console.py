"""The pages of the console while the service decides: `make bench-console`."""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measure import surroundings
from benchmarks.pages import write_page
from benchmarks.serving import Served, load, prepare, run_nbo, serving, workers_of
from benchmarks.serving_load import summary
from config.console import SECRET, SHOWN
from config.settings import Settings
from console.links import BASE, sign_in_link
from domain.journey import Stage
from records.event_rows import microseconds
from records.schema import OUTBOX
from serving.delivery.states import State
from serving.figures.daily_responses import SCHEMA, Group
from serving.figures.files import write_daily_responses
from wiring.components import Components

RESULTS = Path(__file__).parent / "results" / "console.json"
PAGES: Final = (
    *("overview", "journey?view=stages", "journey?view=funnels", "journey?view=experience", "journey?view=activity"),
    *("offers", "proposals", "proposals?kind=offer&name=savings_plus", "pauses", "customer", "experiments", "models"),
    "health",
)
DAYS: Final = 420
NIGHTS: Final = 4
"""Nights whose contacts are in the outbox."""


def main() -> None:
    """Serve, ask for every page while decisions are asked for, and write how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="whose states are online")
    parser.add_argument("--simulated", type=int, default=3_000, help="customers that figures and models are made from")
    parser.add_argument("--months", type=int, default=14)
    parser.add_argument(
        "--events", type=int, default=10_000_000, help="events in the log, about; 0 for those there are"
    )
    parser.add_argument("--per-second", type=float, default=50.0, help="decisions asked for meanwhile")
    parser.add_argument("--times", type=int, default=40, help="requests for each page")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--home", type=Path, help="keep the state here, and use it again")
    options = parser.parse_args()
    secret = os.environ[SECRET] = "a secret of the benchmark, long enough"
    os.environ[SHOWN] = "1"
    with TemporaryDirectory() as temporary:
        home = (options.home or Path(temporary)).resolve()
        moment = prepare(home, options)
        grown = grow(home, options.events)
        outbox = fill_outbox(home, moment, options.customers)
        rows = write_dense_responses(home, moment.date())
        before = os.getloadavg()[0]
        with serving(home, moment, options.workers) as served:
            load(served, options, per_second=options.per_second, seconds=5)
            meanwhile: dict[str, Any] = {}
            ended = threading.Event()
            asking = threading.Thread(target=_decide, args=(served, options, meanwhile, ended))
            asking.start()
            link = sign_in_link(secret, f"http://127.0.0.1:{served.port}", ["admin"], "bench")
            pages = {page: ask(link, served, page, options.times) for page in PAGES}
            ended.set()
            asking.join()
            alone = {page: ask(link, served, page, max(5, options.times // 4)) for page in PAGES}
    RESULTS.parent.mkdir(exist_ok=True)
    whole = {
        "surroundings": surroundings("starlette", "jinja2", "uvicorn", "pyarrow"),
        "load_average_before": before,
        "customers": options.customers,
        "simulated": options.simulated,
        "rows_of_daily_responses": rows,
        "events": grown,
        "contacts_in_outbox": outbox,
        "decisions_per_second": options.per_second,
        "workers": options.workers,
        "pages": pages,
        "pages_alone": alone,
        "decisions_meanwhile": meanwhile,
    }
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_page()


def grow(home: Path, events: int) -> int:
    """Add copies of the bank's customers to its event log until it is large enough, then count the journey figures.

    Returns:
        Number of events in the log.
    """
    parts = _components(home)
    log, done = parts.log, home / "grown.json"
    if not events or done.exists():
        return log.count()
    original = [log.read_bucket(bucket) for bucket in range(log.buckets)]
    for copy in range(1, max(1, round(events / log.count()))):
        log.append(pa.concat_tables([_copied(table, copy) for table in original]))
        print(f"{log.count():,} events", flush=True)
    run_nbo(home, "journeys")
    done.write_text(json.dumps({"events": log.count()}), encoding="utf-8")
    return log.count()


def _copied(table: pa.Table, copy: int) -> pa.Table:
    """Return the same events of other customers."""
    for name in ("customer_id", "event_id"):
        place = table.column_names.index(name)
        renamed = pc.binary_join_element_wise(table[name].cast(pa.string()), f"{copy}", "-")
        table = table.set_column(place, name, renamed.cast(table.schema.field(name).type))
    return table


def fill_outbox(home: Path, moment: datetime, customers: int) -> int:
    """Put four nights of contacts for every customer into the outbox, the last one still waiting.

    Returns:
        Number of contacts.
    """
    parts = _components(home)
    offers = [offer.name for offer in parts.bank.offers]
    rows = [
        {
            "decision_id": f"{night}-{number}",
            "customer_id": f"customer-{number:07d}",
            "night": f"{moment - timedelta(days=night):%Y-%m-%d}",
            "channel": "email" if number % 3 else "call_centre",
            "contact_at": microseconds(moment - timedelta(days=night)),
            "offer": offers[number % len(offers)],
            "message": "card",
            "slot": None,
            "state": State.DELIVERED if night else State.WAITING,
            "attempts": 1 if night else 0,
            "next_at": microseconds(moment + timedelta(days=1)),
            "settled_at": None,
            "reason": None,
        }
        for night in range(NIGHTS)
        for number in range(customers)
    ]
    with parts.database.transaction() as connection:
        connection.execute(OUTBOX.insert(), rows)
    parts.database.close()
    return len(rows)


def _components(home: Path) -> Components:
    return Components(Settings.from_environment({**os.environ, "NBO_HOME": str(home)}), home / "folder")


def write_dense_responses(home: Path, last: date) -> int:
    """Write daily responses as a bank of any size has at most: every offer every day, in every channel and stage.

    Returns:
        Number of rows.
    """
    parts = _components(home)
    bank, rng = parts.bank, np.random.default_rng(5)
    channels = dict.fromkeys(treatment.channel for offer in bank.offers for treatment in offer.treatments)
    keys = list(product(range(DAYS), [offer.name for offer in bank.offers], channels, [stage.value for stage in Stage]))
    presented = rng.integers(1, 400, len(keys))
    matured = np.array([count if age > 30 else 0 for (age, *_), count in zip(keys, presented.tolist(), strict=True)])
    outbound = set(bank.policy.outbound)
    table = pa.table(
        {
            "day": pa.array([last - timedelta(days=age) for age, *_ in keys], pa.date32()),
            "group": [(Group.OUTBOUND if channel in outbound else Group.INBOUND).value for _, _, channel, _ in keys],
            "offer": [offer for _, offer, _, _ in keys],
            "channel": [channel for _, _, channel, _ in keys],
            "stage": [stage for *_, stage in keys],
            "presented": pa.array(presented, pa.int64()),
            "matured": pa.array(matured, pa.int64()),
            "accepted": pa.array(rng.binomial(matured, 0.05), pa.int64()),
        },
        SCHEMA,
    )
    write_daily_responses(parts.places.figures, table, parts.latest())
    return len(table)


def ask(link: str, served: Served, page: str, times: int) -> dict[str, float]:
    """Ask for a page some times, one after the other, as one person does; warm."""
    address = f"http://127.0.0.1:{served.port}{BASE}/{page}"
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        client.get(_again(link))
        if page == "customer":
            token = re.findall(r'name="csrf" value="([^"]+)"', client.get(address).text)[0]
            address = str(client.post(address, data={"csrf": token, "customer": "customer-0000007"}).url)
        client.get(address)
        milliseconds = []
        spent = _processor_seconds(served)
        for _ in range(times):
            began = time.perf_counter()
            answer = client.get(address)
            milliseconds.append((time.perf_counter() - began) * 1e3)
            assert answer.status_code == 200, f"{page}: {answer.status_code}"
        spent = _processor_seconds(served) - spent
    found = {**summary(milliseconds), "p95_ms": float(np.quantile(milliseconds, 0.95)), "bytes": len(answer.content)}
    # of all workers: while they decide, that is in it
    return {**found, "cpu_ms": spent / times * 1e3}


def _again(link: str) -> str:
    """Return a link of its own for the same person: each counts once."""
    address = link.split(BASE, maxsplit=1)[0]
    return sign_in_link(os.environ[SECRET], address, ["admin"], "bench")


def _processor_seconds(served: Served) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in workers_of(served.process.pid)]
    return float(sum(one.user + one.system for one in times))


def _decide(served: Served, options: argparse.Namespace, found: dict[str, Any], ended: threading.Event) -> None:
    while not ended.is_set():
        found.update(load(served, options, per_second=options.per_second, seconds=10))


if __name__ == "__main__":
    main()
