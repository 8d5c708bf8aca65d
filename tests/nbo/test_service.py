"""`nbo serve` as an operator runs it: real workers, a real folder, champions from a real registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from serving.live.champions import write_champions
from tests.docs.pages import ROOT
from tests.pipelines.small_bank import SmallBank
from tests.servers import QUIET, free_port
from tests.serving.api.collector import Collector, collecting

KEY = "nbo_a_key_of_tests_that_is_known_to_everybody"
SECONDS = 90
"""Within which anything happens, also on a machine that is busy."""


class Running:
    """The command, and a client of it."""

    def __init__(self, bank: SmallBank, port: int, collector: Collector) -> None:
        keys = [{"name": "tests", "sha256": sha256(KEY.encode()).hexdigest(), "scopes": ["admin"]}]
        environment = {
            **os.environ,
            "NBO_HOME": str(bank.home),
            "MLFLOW_TRACKING_URI": f"sqlite:///{bank.home / 'mlflow' / 'mlflow.db'}",
            "NBO_API_KEYS": json.dumps(keys),
            "NBO_SWAP_SECONDS": "0.2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            # the framework would send what addresses say
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }
        command = [sys.executable, "-m", "nbo", "--bank", str(bank.folder), "serve"]
        command += ["--port", str(port), "--workers", "2"]
        self.bank = bank
        self.collector = collector
        self.logs = bank.home / "service.log"
        with self.logs.open("wb") as logs:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, **{**QUIET, "stderr": logs})
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=20)

    def versions(self) -> dict[str, str]:
        answer = self.client.get("/readyz", headers={"Connection": "close"})
        found: dict[str, str] = answer.json().get("versions", {})
        return found

    def started(self) -> int:
        """How many workers have become ready so far."""
        assert self.process.poll() is None, "the command ended"
        return self.logs.read_text().count("Application startup complete")

    def children(self, words: str) -> set[int]:
        """Processes below the command whose command line has some words."""
        listed = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
        return {int(pid) for pid, parent, line in rows if int(parent) == self.process.pid and words in line}


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    bank = SmallBank.write(tmp_path_factory.mktemp("bank"), customers=20, months=2)
    # as after a first look at the registry, which takes MLflow long on a fresh home
    champions = bank.home / "banks" / "small" / "champions"
    champions.mkdir(parents=True)
    write_champions(champions, {})
    with collecting() as collector:
        running = Running(bank, free_port(), collector)
        try:
            until(lambda: running.started() == 2)
            yield running
        finally:
            running.client.close()
            # killed, it would leave its workers behind
            running.process.terminate()
            running.process.wait(timeout=SECONDS)


def test_a_bank_without_models_or_customers_is_served(running: Running) -> None:
    answer = running.client.post("/v1/decisions", json={"customer_id": "C1", "channel": "app"})
    assert answer.status_code == 200
    assert answer.json()["offers"] == []


def test_a_changed_folder_is_served_by_all_workers_and_a_broken_one_by_none(running: Running) -> None:
    before = running.versions()
    policies: Path = running.bank.folder / "policies.yaml"
    good = policies.read_text()
    policies.write_text(good.replace("offers_per_channel: 3", "offers_per_channel: 2"))
    until(lambda: all(running.versions().get("bank") not in {None, before["bank"]} for _ in range(6)))
    changed = running.versions()
    policies.write_text(good.replace("age >= 18", "agee >= 18"))
    time.sleep(1)
    assert all(running.versions() == changed for _ in range(6))
    policies.write_text(good)
    until(lambda: all(running.versions().get("bank") == before["bank"] for _ in range(6)))


def test_a_worker_that_is_killed_is_replaced(running: Running) -> None:
    event = {"event_id": "before", "customer_id": "C1", "type": "app_login"}
    assert running.client.post("/v1/events", json=event).json()["accepted"] == 1
    worker = min(running.children("multiprocessing.spawn"))
    os.kill(worker, 9)
    until(lambda: running.started() == 3)
    again = running.client.post("/v1/events", json=event)
    assert again.json()["results"][0]["fate"] == "duplicate"


def test_traces_arrive_from_it_and_they_are_its_own_alone(running: Running) -> None:
    answer = running.client.post("/v1/decisions", json={"customer_id": "Zoe", "channel": "app"})
    running.client.get("/v1/customers/Zoe")
    until(lambda: "GET /v1/customers/{customer_id}" in [span.name for span in running.collector.spans])
    assert answer.json()["decision_id"].encode() in b"".join(running.collector.bodies)
    assert not [body for body in running.collector.bodies if b"Zoe" in body]
    assert {headers["path"] for headers in running.collector.headers} == {"/v1/traces"}
    assert {one.scope.name for one in running.collector.scopes} == {"nbo.service"}


def test_when_it_ends_nothing_of_it_is_left(running: Running) -> None:
    publishers = running.children("champions --every")
    assert len(publishers) == 1
    running.process.terminate()
    running.process.wait(timeout=SECONDS)
    until(lambda: not any(Path(f"/proc/{publisher}").exists() for publisher in publishers))
