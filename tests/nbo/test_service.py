"""`nbo serve` as an operator runs it: real workers, a real folder, champions from a real registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import psutil
import pytest

from models.registry import CHAMPION
from nbo.processes import Servers
from nbo.servers import start_mlflow
from nbo.service import PUBLISH_SECONDS
from serving.champions import PublishedModel, read_champions, write_champions
from tests.docs.pages import ROOT
from tests.nbo.champion import train_champion
from tests.nbo.test_processes import alive
from tests.pipelines.small_bank import SmallBank
from tests.ports import free_port
from tests.servers import QUIET
from tests.serving.api.collector import Collector, collecting
from tests.waiting import SECONDS, until
from wiring.models import publish_champions

KEY = "nbo_a_key_of_tests_that_is_known_to_everybody"


class Running:
    """The command, and a client of it."""

    def __init__(self, bank: SmallBank, port: int, workers: int = 2, name: str = "service", **more: str) -> None:
        keys = [{"name": "tests", "sha256": sha256(KEY.encode()).hexdigest(), "scopes": ["admin"]}]
        self.environment = {
            **os.environ,
            "NBO_HOME": str(bank.home),
            "MLFLOW_TRACKING_URI": f"sqlite:///{bank.home / 'mlflow' / 'mlflow.db'}",
            "NBO_API_KEYS": json.dumps(keys),
            "NBO_SWAP_SECONDS": "0.2",
            **more,
        }
        self.command = [sys.executable, "-m", "nbo", "--bank", str(bank.folder), "serve"]
        self.command += ["--port", str(port), "--workers", str(workers)]
        self.bank = bank
        self.logs = bank.home / f"{name}.log"
        with self.logs.open("wb") as logs:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, **{**QUIET, "stdout": logs, "stderr": logs}
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=SECONDS)

    def versions(self) -> dict[str, str]:
        answer = self.client.get("/readyz", headers={"Connection": "close"})
        found: dict[str, str] = answer.json().get("versions", {})
        return found

    def churn(self) -> dict[str, str]:
        """Have the champion predict for somebody who agreed to it; its versions."""
        agreed = {"consents": {"consent_personalised": True}}
        assert self.client.put("/v1/customers/C1/consents", json=agreed).is_success
        said = self.client.post("/v1/scores", json={"customer_id": "C1", "channel": "app"}).json()
        assert 0.0 < said["churn_probability"] < 1.0
        versions: dict[str, str] = said["versions"]
        return versions

    def ahead(self, times: int = 20) -> tuple[timedelta, timedelta]:
        """Least and most by which the clock of all who answer can be ahead of the machine's."""
        least, most = timedelta.min, timedelta.max
        for _ in range(times):
            question = {"customer_id": "Nobody", "channel": "app", "dry_run": True}
            before = datetime.now(UTC)
            answer = self.client.post("/v1/decisions", json=question, headers={"Connection": "close"}).json()
            after = datetime.now(UTC)
            as_of = datetime.fromisoformat(answer["as_of"])
            least, most = max(least, as_of - after), min(most, as_of - before)
        return least, most

    def started(self) -> int:
        """How many workers have become ready so far."""
        assert self.process.poll() is None, self.logs.read_text()
        return self.logs.read_text().count("Application startup complete")

    def children(self, words: str) -> set[int]:
        """Processes below the command whose command line has some words."""
        found = set()
        for process in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
                if words in " ".join(process.cmdline()):
                    found.add(process.pid)
        return found


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    bank = SmallBank.write(tmp_path_factory.mktemp("bank"), customers=20, months=2)
    (bank.folder / "network.yaml").write_text("inside: [127.0.0.1]\n")  # the collector of traces
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        train_champion(bank.parts, seed=1)
        publish_champions(bank.parts)
        yield bank


@pytest.fixture(scope="module")
def registry_port() -> int:
    """Where the registry is, when it is."""
    return free_port()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def running(bank: SmallBank, registry_port: int, collector: Collector) -> Iterator[Running]:
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        # the framework would send what addresses say
        "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
    }
    running = Running(bank, free_port(), MLFLOW_TRACKING_URI=f"http://127.0.0.1:{registry_port}", **traced)
    try:
        until(lambda: running.started() == 2)
        yield running
    finally:
        running.client.close()
        running.process.kill()
        running.process.wait()


def test_a_bank_without_customers_is_served(running: Running) -> None:
    answer = running.client.post("/v1/decisions", json={"customer_id": "C1", "channel": "app"})
    assert answer.status_code == 200
    assert answer.json()["features_from"] == "nothing"
    assert answer.json()["stage"] == "acquisition"  # what the demo bank assumes of whoever it does not know


def test_the_registry_may_be_away_and_champions_are_those_of_when_it_was_there(
    running: Running, registry_port: int, tmp_path: Path
) -> None:
    first = running.versions()
    assert first["small-churn"].startswith("1:")
    assert running.churn() == first
    second = train_champion(running.bank.parts, seed=2)
    assert running.versions() == first
    with Servers(tmp_path) as servers:
        start_mlflow(servers, running.bank.parts.settings, registry_port)
        servers.wait()
        until(lambda: all(running.versions().get("small-churn") == second.cited for _ in range(6)))
    time.sleep(PUBLISH_SECONDS)  # the publisher has asked again, and nobody answered
    assert running.churn() == running.versions() == {**first, "small-churn": second.cited}


def test_a_changed_folder_is_served_by_all_workers_and_a_broken_one_by_none(running: Running) -> None:
    before = running.versions()
    policies: Path = running.bank.folder / "policies.yaml"
    good = policies.read_text()
    try:
        policies.write_text(good.replace("offers_per_channel: 3", "offers_per_channel: 2"))
        # so many that both workers are among those who answer, also while one is slow
        until(lambda: all(running.versions().get("bank") not in {None, before["bank"]} for _ in range(30)))
        changed = running.versions()
        policies.write_text(good.replace("age >= 18", "agee >= 18"))
        time.sleep(1)
        assert all(running.versions() == changed for _ in range(30))
    finally:
        policies.write_text(good)
    until(lambda: all(running.versions().get("bank") == before["bank"] for _ in range(6)))


def test_the_start_says_at_which_time_a_simulated_bank_is_served(running: Running) -> None:
    said = running.logs.read_text()
    assert "bank small is simulated: the clock starts at its last moment, 2025-03-02 00:00:00" in said
    assert "; to start at another moment: --as-of 2025-03-02T12:00:00\n" in said


def test_a_worker_that_is_killed_is_replaced_by_one_that_tells_the_same_time(running: Running) -> None:
    least, most = running.ahead()
    event = {"event_id": "before", "customer_id": "C1", "type": "app_login"}
    assert running.client.post("/v1/events", json=event).json()["accepted"] == 1
    worker = min(running.children("multiprocessing.spawn"))
    os.kill(worker, 9)
    until(lambda: running.started() == 3)
    again = running.client.post("/v1/events", json=event)
    assert again.json()["results"][0]["fate"] == "duplicate"
    later = running.ahead()
    assert max(least, later[0]) <= min(most, later[1])


def test_another_service_of_the_bank_tells_the_same_time_and_none_another(running: Running) -> None:
    least, most = running.ahead()
    other = Running(running.bank, free_port(), workers=1, MLFLOW_TRACKING_URI="http://127.0.0.1:1", name="other")
    try:
        until(lambda: other.started() == 1)
        later = other.ahead()
        assert max(least, later[0]) <= min(most, later[1])
        assert "shares its clock" in other.logs.read_text()
        command = [*other.command, "--port", str(free_port()), "--as-of", "2026-01-01"]
        refused = subprocess.run(command, cwd=ROOT, env=other.environment, capture_output=True, text=True, check=False)
        assert "bank small is being served at another time: got --as-of 2026-01-01T00:00:00" in refused.stderr
    finally:
        other.client.close()
        other.process.terminate()
        other.process.wait()


def test_a_header_that_is_too_large_is_refused(running: Running) -> None:
    assert running.client.get("/healthz", headers={"X-Long": "a" * 30_000}).status_code == 200
    answer = running.client.get("/healthz", headers={"X-Long": "a" * 40_000})
    assert (answer.status_code, answer.json()["type"]) == (431, "urn:nbo:problem:header-too-large")


def test_there_are_no_more_connections_than_files_may_be_open() -> None:
    script = """
import resource
from config.service import ConnectionLimits
from nbo.service import within_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 500))
few, many = (within_open_files(ConnectionLimits(most=most)).most for most in (200, 1000))
print(few, many, *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "200 384 500 500"
    assert "384 connections at most for each worker, not 1000: 500 files may be open" in said


def test_traces_arrive_from_it_and_they_are_its_own_alone(running: Running, collector: Collector) -> None:
    answer = running.client.post("/v1/decisions", json={"customer_id": "Zoe", "channel": "app"})
    running.client.get("/v1/customers/Zoe")
    until(lambda: "GET /v1/customers/{customer_id}" in [span.name for span in collector.spans])
    assert answer.json()["decision_id"].encode() in b"".join(collector.bodies)
    assert not [body for body in collector.bodies if b"Zoe" in body]
    assert {headers["path"] for headers in collector.headers} == {"/v1/traces"}
    assert {one.scope.name for one in collector.scopes} == {"nbo.service"}


def test_when_the_supervisor_is_killed_its_workers_end(running: Running) -> None:
    below = running.children("")
    assert len(below) >= 4  # workers, the publisher, and Python's tracker of resources
    running.process.kill()
    running.process.wait()
    until(lambda: not any(alive(process) for process in below))
    assert "the supervisor is gone" in running.logs.read_text()


def test_a_service_that_cannot_start_says_why_and_fails(bank: SmallBank) -> None:
    champions = bank.parts.places.champions
    damaged = replace((read_champions(champions) or {})["churn"], digest="0" * 64)
    write_champions(champions, {"churn": damaged})
    running = Running(bank, free_port(), workers=1, MLFLOW_TRACKING_URI="http://127.0.0.1:1")
    try:
        assert running.process.wait(timeout=SECONDS) == 1
    finally:
        running.client.close()
        running.process.kill()
        running.process.wait()
    logs = running.logs.read_text()
    assert "the files of small-churn are not those that were registered" in logs
    assert logs.rstrip().endswith("nbo: the service did not start; its log says why")


def test_a_registry_that_knows_nothing_of_a_bank_takes_no_champions_and_one_that_withdraws_them_does(
    bank: SmallBank, tmp_path: Path
) -> None:
    other = SmallBank.write(tmp_path, customers=20, months=2, name="other").parts
    other.places.champions.mkdir(parents=True)
    champion = PublishedModel(name="other-churn", version="7", digest="ab" * 32, folder="other-churn-7")
    write_champions(other.places.champions, {"churn": champion})
    assert not publish_champions(other)
    assert read_champions(other.places.champions) == {"churn": champion}
    bank.parts.models.store.client.delete_registered_model_alias("small-churn", CHAMPION)
    assert publish_champions(bank.parts)
    assert read_champions(bank.parts.places.champions) == {}
