"""`nbo up` as somebody on a laptop runs it: everything really started, asked, and ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.live.champions import write_champions
from tests.docs.pages import ROOT
from tests.nbo.test_processes import alive, until
from tests.pipelines.small_bank import SmallBank
from tests.servers import free_port

LINKS = ("decisions and events", "metrics", "MLflow", "Prefect", "Feast")


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    listed = subprocess.run(["ps", "-wweo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines()[1:])}
    found, level = set(), {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found |= level
    return found


@pytest.fixture
def bank(tmp_path: Path) -> SmallBank:
    bank = SmallBank.write(tmp_path, customers=20, months=2)
    champions = bank.home / "banks" / "small" / "champions"
    champions.mkdir(parents=True)
    write_champions(champions, {})
    return bank


@pytest.fixture
def command(bank: SmallBank) -> Iterator[subprocess.Popen[str]]:
    """The command on five ports that are free."""
    environment = {
        **os.environ,
        "NBO_HOME": str(bank.home),
        "MLFLOW_TRACKING_URI": f"sqlite:///{bank.home / 'mlflow' / 'mlflow.db'}",
        "PREFECT_HOME": str(bank.home / "prefect"),
        "TMPDIR": str(bank.home / "temporary"),
    }
    (bank.home / "temporary").mkdir()
    words = [sys.executable, "-m", "nbo", "--bank", str(bank.folder), "up", "--port", str(free_port())]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_everything_answers_where_it_is_said_and_ends_with_the_command(
    command: subprocess.Popen[str], bank: SmallBank
) -> None:
    key, links, said = "", {}, ""
    assert command.stdout is not None
    while len(links) < len(LINKS):
        line = command.stdout.readline()
        assert line, "the command ended"
        said += line
        key = key or (re.findall(r"X-API-Key: (\S+)", line) or [""])[0]
        for link in LINKS:
            if link in line:
                links[link] = re.findall(r"http://\S+", line)[0]
    assert "bank small is simulated: the clock starts at its last moment, 2025-03-02 00:00:00" in said
    with httpx.Client(headers={"X-API-Key": key}, follow_redirects=True, timeout=20) as client:
        assert {link: client.get(url).status_code for link, url in links.items()} == dict.fromkeys(LINKS, 200)
        service = links["metrics"].removesuffix("/metrics")
        question = {"customer_id": "C1", "channel": "app"}
        assert client.post(f"{service}/v1/decisions", json=question).json()["decision_id"]
        # pages that are more than their frame
        found = client.get(f"{links['MLflow']}/api/2.0/mlflow/registered-models/search").json()
        assert found.get("registered_models", []) == []
        assert client.post(f"{links['Prefect']}/api/flows/filter", json={}).json() == []
    below = descendants(command.pid)
    assert len(below) >= 5
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=60) == 0
    until(lambda: not any(alive(process) for process in below))
    assert not list((bank.home / "temporary").glob("nbo-*"))
