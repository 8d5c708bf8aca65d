"""`nbo up` as somebody on a laptop runs it: everything really started, asked, and ended."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from domain.errors import StateError
from nbo.servers import serve_everything
from serving.champions import write_champions
from tests.nbo.test_processes import alive
from tests.pipelines.small_bank import SmallBank
from tests.ports import HOST, free_port
from tests.waiting import SECONDS, until

LINKS = ("decisions and events", "metrics", "MLflow", "Prefect", "Feast")


@pytest.fixture
def bank(tmp_path: Path) -> SmallBank:
    bank = SmallBank.write(tmp_path, customers=20, months=2)
    champions = bank.home / "banks" / "small" / "champions"
    champions.mkdir(parents=True)
    write_champions(champions, {})
    return bank


@pytest.fixture
def command(bank: SmallBank) -> Iterator[subprocess.Popen[str]]:
    """The command on four ports that are free, in a folder with other people's packages of our names."""
    (bank.folder.parent / "models").mkdir()
    for name in ("config.py", "models/__init__.py"):
        (bank.folder.parent / name).write_text("raise RuntimeError('not nbo')")
    environment = {
        # not the server that flows of other tests may have
        **{name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
        "NBO_HOME": str(bank.home),
        "MLFLOW_TRACKING_URI": f"sqlite:///{bank.home / 'mlflow' / 'mlflow.db'}",
        "PREFECT_HOME": str(bank.home / "prefect"),
        "TMPDIR": str(bank.home / "temporary"),
    }
    (bank.home / "temporary").mkdir()
    nbo = Path(sys.executable).with_name("nbo")
    words = [str(nbo), "--bank", bank.folder.name, "up", "--port", str(free_port(in_a_row=4))]
    process = subprocess.Popen(
        words, cwd=bank.folder.parent, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


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
    with httpx.Client(headers={"X-API-Key": key}, follow_redirects=True, timeout=SECONDS) as client:
        assert {link: client.get(url).status_code for link, url in links.items()} == dict.fromkeys(LINKS, 200)
        service = links["metrics"].removesuffix("/metrics")
        question = {"customer_id": "C1", "channel": "app"}
        assert client.post(f"{service}/v1/decisions", json=question).json()["decision_id"]
        # pages that are more than their frame
        found = client.get(f"{links['MLflow']}/api/2.0/mlflow/registered-models/search").json()
        assert found.get("registered_models", []) == []
        assert client.post(f"{links['Prefect']}/api/flows/filter", json={}).json() == []
    below = [process.pid for process in psutil.Process(command.pid).children(recursive=True)]
    assert len(below) >= 5
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=SECONDS) == 0
    until(lambda: not any(alive(process) for process in below))
    assert not list((bank.home / "temporary").glob("nbo-*"))


def test_when_the_port_of_the_service_is_taken_nothing_is_started(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.use(monkeypatch)
    parts = bank.parts
    with socket.create_server((HOST, free_port(in_a_row=4))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StateError, match=f"the service cannot listen on port {port} of {HOST}"):
            serve_everything(parts, port, workers=1, as_of=None)
    assert not parts.places.logs.exists()
