"""Servers beside each other, with real processes: Python's own HTTP server is the smallest there is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from domain.errors import StateError
from nbo.processes import Servers, ended_by_signals
from tests.docs.pages import ROOT
from tests.ports import HOST, free_port
from tests.waiting import SECONDS, until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
HAS_CHILD = f"""
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print(child.pid, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def start(servers: Servers, name: str = "files", script: str | None = None) -> int:
    """Start a small server; its port."""
    port = free_port()
    small = ["-m", "http.server", "--bind", "127.0.0.1", str(port)]
    servers.start(name, small if script is None else ["-c", script, str(port)], f"http://127.0.0.1:{port}/")
    return port


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex((HOST, port)) == 0


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to notice does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_servers_run_beside_each_other_as_long_as_the_block(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        ports = [start(servers, name) for name in ("the one", "other")]
        servers.wait()
        assert all(listens(port) for port in ports)
    assert not any(listens(port) for port in ports)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.log", "other.log"]


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken, Servers(tmp_path) as servers:
        port = taken.getsockname()[1]
        with pytest.raises(StateError, match=rf"MLflow cannot listen on port {port} of 127.0.0.1: got Address already"):
            servers.start("MLflow", ["-c", "unreachable"], f"http://127.0.0.1:{port}/health")
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_start_is_told_with_the_place_of_its_words(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        start(servers, "Feast", "raise SystemExit('no registry here')")
        with pytest.raises(StateError, match=r"Feast ended: got exit code 1; see why: .*feast\.log"):
            servers.wait()
    assert (tmp_path / "feast.log").read_text() == "no registry here\n"


def test_a_server_that_dies_later_is_told_and_the_others_end(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        other = start(servers)
        port = start(servers, "Prefect", HAS_CHILD)
        servers.wait()
        assert listens(port)
        os.kill(servers._servers[-1].process.pid, signal.SIGKILL)
        with pytest.raises(StateError, match="Prefect ended: got signal SIGKILL"):
            servers.watch()
    assert not listens(other)
    # nor is anything left of what the dead one had begun
    until(lambda: not alive(int((tmp_path / "prefect.log").read_text().split()[0])))


COMMAND = """
import signal, sys
from pathlib import Path
from nbo.processes import Servers, ended_by_signals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run where it is ignored
try:
    with ended_by_signals(), Servers(Path(sys.argv[1])) as servers:
        servers.start("files", ["-m", "http.server", "--bind", "127.0.0.1", sys.argv[2]], f"http://127.0.0.1:{sys.argv[2]}/")
        servers.wait()
        print("ready", flush=True)
        servers.watch()
except KeyboardInterrupt:
    print("ended", flush=True)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_servers_with_the_command(tmp_path: Path, name: str) -> None:
    port = free_port()
    command = [sys.executable, "-c", COMMAND, str(tmp_path), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        # as a terminal does it: to the whole group
        os.killpg(process.pid, getattr(signal, name))
        assert process.stdout.readline() == "ended\n"
        assert process.wait(timeout=SECONDS) == 0
    assert not listens(port)


def test_signals_are_as_before_after_the_block() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells a process that its parent is gone")
def test_servers_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", COMMAND, str(tmp_path), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
    until(lambda: not listens(port))


def test_who_answers_in_another_language_is_not_the_server(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other, Servers(tmp_path) as servers:
        port = other.getsockname()[1]
        servers.start("Feast", ["-c", "import time; time.sleep(60)"], f"http://{HOST}:{port}/", listener=other)

        def speak() -> None:
            taken, _ = other.accept()
            with taken:
                taken.recv(1_000)
                taken.sendall(b"220 mail.bank.example ready\r\n")

        speaking = threading.Thread(target=speak)
        speaking.start()
        assert not servers._servers[0].answers()
        speaking.join()
