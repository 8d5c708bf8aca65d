"""What has to be true of the containers as they run, beside the answers that they give."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import httpx

from tests.containers.engine import expect
from tests.containers.stack import PROJECT, Stack

CUSTOMERS_ASKED = 20


def locked_down(stack: Stack) -> None:
    """Nobody is root, may do what root may, or writes anywhere but into volumes and /tmp."""
    for service in ("entry", "service", "flows", "mlflow", "prefect"):
        for name in stack.of(service):
            status = stack.engine.shell(f"docker exec {name} cat /proc/1/status")
            said = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            expect(fact=said["Uid"].split()[0] == "10001", otherwise=f"{name} runs as user {said['Uid'].split()[0]}")
            expect(fact=int(said["CapEff"], 16) == 0, otherwise=f"{name} has capabilities {said['CapEff'].strip()}")
            expect(fact=said["NoNewPrivs"].strip() == "1", otherwise=f"{name} may gain privileges")
            written = stack.engine.succeeds(f"docker exec {name} sh -c 'echo x > /etc/x || echo x > /usr/x'")
            expect(fact=not written, otherwise=f"{name} can write to its image")


def pages_are_there() -> None:
    """MLflow's and Prefect's pages, at the ports of this machine that the guide names, with what they load."""
    for address in ("http://127.0.0.1:5000", "http://127.0.0.1:4200"):
        with httpx.Client(base_url=address, follow_redirects=True) as client:
            page = client.get("/")
            loaded = re.findall(r'<script[^>]+src="([^"]+)"', page.text)
            expect(fact=page.is_success and bool(loaded), otherwise=f"no page at {address}: {page.status_code}")
            for script in loaded:
                answer = client.get(str(page.url.join(script)))
                expect(fact=answer.is_success, otherwise=f"{script} at {address}: {answer.status_code}")


def no_secret_is_told(stack: Stack, secrets: Mapping[str, str]) -> None:
    """No password or key is in the image or in what containers print; the key of a caller is in no container at all."""
    layers = stack.engine.shell("docker history --no-trunc --format '{{.CreatedBy}}' nbo")
    image = layers + json.dumps(stack.engine.inspect("nbo"))
    for what, secret in secrets.items():
        expect(fact=secret not in image, otherwise=f"{what} is in the image")
    for name in stack.engine.containers(PROJECT):
        logs = stack.engine.shell(f"docker logs {name} 2>&1")
        for what, secret in secrets.items():
            expect(fact=secret not in logs, otherwise=f"{what} is in what {name} prints")
        expect(fact=secrets["the key"] not in json.dumps(stack.engine.inspect(name)), otherwise=f"{name} has the key")


def alike(stack: Stack, key: str) -> int:
    """Every replica has the same versions and scores, finds the others' decisions, and decides the same again.

    Returns:
        How many answers were compared.
    """
    customers = [f"C{number:06d}" for number in range(1, CUSTOMERS_ASKED + 1)]
    first, *others = stack.of("service")
    requests: list[tuple[str, str, Any]] = [("GET", "/readyz", None), ("GET", "/v1/offers", None)]
    for customer in customers:
        requests.append(("POST", "/v1/scores", {"customer_id": customer, "channel": "app"}))
        asked = {"customer_id": customer, "channel": "app", "request_id": f"alike-{customer}"}
        requests.append(("POST", "/v1/decisions", asked))
    answers = [json.loads(answer) for answer in stack.ask(first, key, requests)]
    decided = [answer["decision_id"] for answer in answers[3::2]]
    requests += [("GET", f"/v1/decisions/{decision}/explanation", None) for decision in decided]
    answers = [json.loads(answer) for answer in stack.ask(first, key, requests)]
    replays: list[tuple[str, str, Any]] = [("POST", f"/v1/decisions/{decision}/replay", None) for decision in decided]
    for other in others:
        for request, one, two in zip(requests, answers, stack.ask(other, key, requests), strict=True):
            expect(fact=same(one, json.loads(two)), otherwise=f"{first} and {other} answer {request} otherwise")
        for answer in stack.ask(other, key, replays):
            expect(fact=json.loads(answer)["same"] is True, otherwise=f"{other} decides otherwise again: {answer}")
    return len(others) * (len(requests) + len(replays))


def same(one: Any, two: Any) -> bool:
    """Whether answers are alike that were given some seconds apart, in which days since something went on."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(name == "as_of" or same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-4)
    return bool(one == two)


def balanced(stack: Stack, key: str) -> dict[str, int]:
    """Decisions that each replica made since it was started."""
    made = {}
    for replica in stack.of("service"):
        [text] = stack.ask(replica, key, [("GET", "/metrics", None)])
        lines = [line for line in text.splitlines() if line.startswith("nbo_decisions_total")]
        made[replica] = int(sum(float(line.rpartition(" ")[2]) for line in lines))
    expect(fact=all(made.values()), otherwise=f"the entry asks not all of its replicas: {made}")
    return made
