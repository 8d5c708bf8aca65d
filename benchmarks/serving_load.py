"""Load with open arrivals: requests are sent when they are due, whether or not the ones before are answered.

A process of its own, `python -m benchmarks.serving_load`: so that what it costs is not the service's. Latency counts
from the moment at which a request was due; a service that falls behind cannot hide it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

CONNECTIONS = 16
"""Kept open; more are opened where all are waiting for an answer."""


@dataclass
class Results:
    """Milliseconds of each request that was answered with 200, by its kind, and how many were answered otherwise."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)


class Connection:
    """One HTTP/1.1 connection, kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect, where that is not done yet."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)

    async def post(self, path: bytes, key: bytes, body: bytes) -> int:
        """Send a request, read the answer, and tell its status."""
        await self.open()
        assert self._streams is not None
        reader, writer = self._streams
        head = b"POST %b HTTP/1.1\r\nHost: bench\r\nX-API-Key: %b\r\nContent-Type: application/json\r\n" % (path, key)
        writer.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        said = await reader.readuntil(b"\r\n\r\n")
        length = int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        return int(said[9:12])


async def run(options: argparse.Namespace) -> Results:
    """Send requests for so many seconds."""
    # used in turn, as a proxy in front would, so that every worker has its share
    free = deque(Connection(options.host, options.port) for _ in range(CONNECTIONS))
    for connection in free:
        await connection.open()
        await asyncio.sleep(0.02)
    results, rng = Results(), random.Random(options.seed)
    key, tasks = options.key.encode(), set()
    bodies = [] if options.bodies is None else options.bodies.read_bytes().splitlines()

    async def send(due: float, kind: str, number: int) -> None:
        connection = free.popleft() if free else Connection(options.host, options.port)
        customer = f"{options.customers_prefix}{rng.randrange(options.customers):07d}"
        if kind == "plain":
            body, path = bodies[number % len(bodies)], options.path.encode()
        elif kind == "decision":
            body = orjson.dumps({"customer_id": customer, "channel": rng.choice(options.channels)})
            path = b"/v1/decisions"
        else:
            event = {"customer_id": customer, "type": "app_login", "channel": "app"}
            names = [f"{options.seed}-{number}-{place}" for place in range(options.events_together)]
            told = [{**event, "event_id": name} for name in names]
            body, path = orjson.dumps(told if len(told) > 1 else told[0]), b"/v1/events"
        try:
            status = await connection.post(path, key, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            results.others[type(error).__name__] = results.others.get(type(error).__name__, 0) + 1
            return
        free.append(connection)
        milliseconds = (time.perf_counter() - due) * 1e3
        if status == 200:
            results.milliseconds.setdefault(kind, []).append(milliseconds)
        else:
            results.others[str(status)] = results.others.get(str(status), 0) + 1

    due, number, end = time.perf_counter() + 0.1, 0, time.perf_counter() + 0.1 + options.seconds
    while due < end:
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        kind = "plain" if bodies else "event" if rng.random() < options.share_of_events else "decision"
        task = asyncio.create_task(send(due, kind, number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due, number = due + rng.expovariate(options.per_second), number + 1
    if tasks:
        await asyncio.wait(tasks, timeout=30)
    return results


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Say how long requests took."""
    if not milliseconds:
        return {"requests": 0}
    quantiles = np.quantile(milliseconds, [0.5, 0.9, 0.99, 0.999])
    names = ("p50_ms", "p90_ms", "p99_ms", "p999_ms")
    return {"requests": len(milliseconds), **dict(zip(names, map(float, quantiles), strict=True))}


def main() -> None:
    """Send load as the options say, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--share-of-events", type=float, default=0.2)
    parser.add_argument("--events-together", type=int, default=1)
    parser.add_argument("--customers", type=int, default=1)
    parser.add_argument("--customers-prefix", default="customer-")
    parser.add_argument("--channels", nargs="+", default=["app", "web", "email"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--path", help="send the lines of a file there, in place of decisions and events")
    parser.add_argument("--bodies", type=Path)
    options = parser.parse_args()
    results = asyncio.run(run(options))
    kinds = {"decision": "decisions", "event": "events", "plain": "plain"}
    said = {name: summary(results.milliseconds.get(kind, [])) for kind, name in kinds.items()}
    json.dump({**said, "others": results.others}, sys.stdout)


if __name__ == "__main__":
    main()
