"""Which requests the entry asks of another replica, when the first hung up without an answer."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.containers.engine import Engine, expect, until
from tests.containers.stack import ENTRY, LABEL
from tests.containers.stand_ins import IMAGES

NETWORK = "nbo-under-test-retries"
REPLICA = Path(__file__).with_name("half_deaf.py")
TIMES = 6
"""More often than there are replicas, so that each is the first to be asked."""


@dataclass(frozen=True)
class DecisionRequest:
    """A request, and whether it may be told twice."""

    method: str
    path: str
    twice: bool
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


REQUESTS = (
    DecisionRequest("GET", "/v1/offers", twice=True),
    DecisionRequest("POST", "/v1/scores", twice=True, content={"customer_id": "c"}),
    DecisionRequest("POST", "/v1/decisions", twice=False, content={"customer_id": "c"}),
    DecisionRequest("POST", "/v1/decisions", twice=False, content={"context": {"request_id": "of something else"}}),
    DecisionRequest("POST", "/v1/decisions", twice=False, content={"customer_id": "c", "request_id": None}),
    DecisionRequest(
        "POST", "/v1/decisions", twice=False, content={"customer_id": "c"}, headers={"Idempotency-Key": ""}
    ),
    DecisionRequest("POST", "/v1/decisions", twice=True, content={"customer_id": "c", "request_id": "r"}),
    DecisionRequest(
        "POST", "/v1/decisions", twice=True, content={"customer_id": "c"}, headers={"Idempotency-Key": "r"}
    ),
    DecisionRequest("POST", "/v1/decisions/batch", twice=True, content={"request_id": "r", "decisions": []}),
    DecisionRequest("POST", "/v1/decisions/d/withdrawal", twice=True),
    DecisionRequest("POST", "/v1/decisions/d/replay", twice=True),
    DecisionRequest("POST", "/v1/events", twice=True, content=[{"event_id": "e"}]),
    DecisionRequest("PUT", "/v1/customers/c/consents", twice=False, content={"consents": {}}),
    DecisionRequest("PUT", "/v1/customers/c/consents", twice=True, content={"consents": {}, "event_id": "e"}),
    DecisionRequest("DELETE", "/v1/customers/c", twice=False),
)


def told_twice_only_where_safe(engine: Engine) -> int:
    """Put the entry before a replica that answers and one that hangs up.

    Returns:
        How many kinds of requests were tried.
    """
    names = ["nbo-under-test-well", "nbo-under-test-deaf", "nbo-under-test-entry"]
    engine.shell(f"docker network create --label {LABEL} {NETWORK}")
    try:
        for name, word in zip(names[:2], ("well", "deaf"), strict=True):
            where = f"--network {NETWORK} --network-alias service --volume {shlex.quote(str(REPLICA))}:/replica.py:ro"
            command = f"{IMAGES['python']} python3 /replica.py {word}"
            engine.shell(f"docker run --detach --init --label {LABEL} --name {name} {where} {command}")
        file = engine.folder / "deploy" / "haproxy.cfg"
        where = f"--network {NETWORK} --publish 127.0.0.1:8000:8000 --volume {shlex.quote(str(file))}:/haproxy.cfg:ro"
        command = f"--env NBO_ENTRY=127.0.0.1:8000 {IMAGES['haproxy']} haproxy -db -f /haproxy.cfg"
        engine.shell(f"docker run --detach --label {LABEL} --name {names[2]} {where} {command}")
        with httpx.Client(base_url=ENTRY, timeout=30) as client:
            until(lambda: _ready(client), "the entry does not find its replicas")
            for asked in REQUESTS:
                _as_expected(client, asked)
    finally:
        engine.shell(f"docker rm --force {' '.join(names)}; docker network rm {NETWORK}")
    return len(REQUESTS)


def _ready(client: httpx.Client) -> bool:
    # both replicas: an answer to what is not told twice, and none
    try:
        found = {client.post("/v1/decisions").status_code for _ in range(TIMES)}
    except httpx.HTTPError:
        return False
    return found == {httpx.codes.OK, httpx.codes.BAD_GATEWAY}


def _as_expected(client: httpx.Client, asked: DecisionRequest) -> None:
    answers = {
        client.request(asked.method, asked.path, json=asked.content, headers=asked.headers).status_code
        for _ in range(TIMES)
    }
    expected = {httpx.codes.OK} if asked.twice else {httpx.codes.OK, httpx.codes.BAD_GATEWAY}
    expect(fact=answers == expected, otherwise=f"{asked}: expected {sorted(expected)}, got {sorted(answers)}")
