"""What one decision costs the processor, part by part, in one process.

`python -m benchmarks.decision_cost --home HOME`: processor time, so that a busy machine changes little. HOME is
the state that `benchmarks.serving` keeps with `--home`. The file also runs in an older checkout, to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI

from config.service import ApiKey, ServiceSettings
from config.settings import Settings
from decisioning.engine import DecisionContext
from features.moments import utc_microseconds
from records.decision_writes import AnswerWrite, DecisionWriter
from serving.api.app import create_app
from serving.service.clock import Clock
from serving.service.decision_request import DecisionRequest
from serving.service.service import Service
from wiring.components import Components
from wiring.service import open_service

TOGETHER = (1, 16)
MANY = 4_096
KEY = "nbo_benchmark_key"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--decisions", type=int, default=1_600, help="of each kind")
    options = parser.parse_args()
    print(json.dumps(decision_cost(options.home.resolve(), options.decisions)))


def decision_cost(home: Path, decisions: int) -> dict[str, Any]:
    """Return microseconds of processor time per decision: by part for a few together, in all, and for everybody."""
    prepared = json.loads((home / "prepared.json").read_text(encoding="utf-8"))
    moment = datetime.fromtimestamp(prepared["midnight"] / 1e6, tz=UTC) + timedelta(hours=12)
    tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"}
    settings = Settings.from_environment({**os.environ, "NBO_HOME": str(home), **tracking})
    components = Components(settings, home / "folder")
    # the clock begins anew, and nothing may have been decided or told later than now
    for file in (home / "banks" / components.name).glob("decisions.db*"):
        file.unlink()
    keys = (ApiKey(name="bench", sha256=sha256(KEY.encode()).hexdigest(), scopes=("admin",)),)
    clock = Clock(moment)
    service = open_service(components, ServiceSettings(keys=keys, answer_seconds=60.0), clock)
    channels = service.engine.decider.policy.channels
    rng = np.random.default_rng(11)

    def asked(number: int) -> list[DecisionRequest]:
        chosen = rng.choice(prepared["customers"], number, replace=False)
        return [DecisionRequest(customer_id=f"customer-{one:07d}", channel=str(rng.choice(channels))) for one in chosen]

    found: dict[str, Any] = {"everybody": _everybody(service, [one.customer_id for one in asked(MANY)])}
    for together in TOGETHER:
        rounds = max(decisions // together // (8 if together == 1 else 1), 20)
        found[f"parts_{together}"] = _parts(service, partial(asked, together), rounds)
    app = create_app(lambda: service)
    found |= asyncio.run(_over_http(app, asked, decisions))
    return found


def _parts(service: Service, asked: Callable[[], Sequence[DecisionRequest]], rounds: int) -> dict[str, float]:
    """Return the microseconds of each part of a pass, per decision."""
    spent: Counter[str] = Counter()

    @contextmanager
    def steps(name: str, _: Sequence[DecisionRequest]) -> Iterator[None]:
        began = time.thread_time()
        yield
        spent[name] += time.thread_time() - began  # type: ignore[assignment]  # seconds

    writer, count = DecisionWriter(service.database), 0
    for warm in (True, False):
        spent.clear()
        count = 0
        for _ in range(20 if warm else rounds):
            questions = asked()
            began = time.thread_time()
            pending = service.decisions.prepare(questions, steps)
            spent["whole pass"] += time.thread_time() - began  # type: ignore[assignment]  # seconds
            writes = [
                AnswerWrite(decisions=(one.made,), request=None, answer=one.answer, at=int(one.made.row["as_of"]))
                for one in pending
                if one.made is not None
            ]
            with steps("commit", questions), service.database.transaction() as connection:
                writer.together(connection, writes)
            writer.committed()
            count += len(questions)
    return {name: round(seconds / count * 1e6, 1) for name, seconds in spent.items()}


def _everybody(service: Service, customers: Sequence[str]) -> float:
    """Return the microseconds per customer of scoring and deciding for many in all channels."""
    engine, now = service.engine, service.clock.now()
    [read, *_] = engine.reader.read_together(customers, now)
    context = DecisionContext(as_of=utc_microseconds(now), seed=7)
    spent = []
    for _ in range(4):
        began = time.process_time()
        engine.decider.decide(read.features, context)
        spent.append(time.process_time() - began)
    return round(min(spent[1:]) / len(read.features) * 1e6, 2)


async def _over_http(app: FastAPI, asked: Callable[[int], list[DecisionRequest]], decisions: int) -> dict[str, float]:
    """Return the microseconds of a decision from the request to the answer, all threads together."""
    found = {}
    async with app.router.lifespan_context(app):
        for together in TOGETHER:
            for warm in (True, False):
                rounds = 20 if warm else max(decisions // together // (4 if together == 1 else 1), 20)
                began = time.process_time()
                for _ in range(rounds):
                    await asyncio.gather(*(_post(app, one) for one in asked(together)))
            found[f"whole_{together}"] = round((time.process_time() - began) / rounds / together * 1e6, 1)
    return found


async def _post(app: FastAPI, asked: DecisionRequest) -> None:
    body = json.dumps({"customer_id": asked.customer_id, "channel": asked.channel}).encode()
    headers = {"host": "bench", "x-api-key": KEY, "content-type": "application/json", "content-length": str(len(body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/decisions",
        "raw_path": b"/v1/decisions",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        status.extend([message["status"]] if message["type"] == "http.response.start" else [])

    await app(scope, receive, send)
    assert status == [200], status


if __name__ == "__main__":
    main()
