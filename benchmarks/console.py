"""The pages of the console while the service decides: `make bench-console`."""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import numpy as np
import psutil
import pyarrow as pa

from benchmarks.measure import surroundings
from benchmarks.pages import write_page
from benchmarks.serving import Served, load, prepare, serving, workers_of
from benchmarks.serving_load import summary
from config.console import SECRET, SHOWN
from config.settings import Settings
from console.links import BASE, sign_in_link
from domain.journey import Stage
from serving.figures.daily_responses import SCHEMA, Group
from serving.figures.files import write_daily_responses
from wiring.components import Components

RESULTS = Path(__file__).parent / "results" / "console.json"
PAGES: Final = (
    *("overview", "journey?view=stages", "journey?view=funnels", "journey?view=experience", "journey?view=activity"),
    *("offers", "proposals", "proposals?kind=offer&name=savings_plus", "customer", "models", "health"),
)
DAYS: Final = 420


def main() -> None:
    """Serve, ask for every page while decisions are asked for, and write how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="whose states are online")
    parser.add_argument("--simulated", type=int, default=3_000, help="customers that figures and models are made from")
    parser.add_argument("--months", type=int, default=14)
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
        "decisions_per_second": options.per_second,
        "workers": options.workers,
        "pages": pages,
        "pages_alone": alone,
        "decisions_meanwhile": meanwhile,
    }
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_page()


def write_dense_responses(home: Path, last: date) -> int:
    """Write daily responses as a bank of any size has at most: every offer every day, in every channel and stage.

    Returns:
        Number of rows.
    """
    parts = Components(Settings.from_environment({**os.environ, "NBO_HOME": str(home)}), home / "folder")
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
