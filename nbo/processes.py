"""Server processes that are started in parallel, watched, and ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final
from urllib.parse import urlsplit

from domain.errors import StateError
from nbo.display import console

START_SECONDS: Final = 300
"""A server that does not answer by then has failed. Prefect needs 20 s on a fresh home, 120 s on a busy machine."""

END_SECONDS: Final = 20
LOOK_SECONDS: Final = 0.3
_ATTACHED: Final = str(Path(__file__).with_name("attached.py"))
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class _Server:
    name: str
    health: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        if self.process.poll() is not None:
            raise StateError(f"{self.name} ended", got=_exit(self.process.returncode), remedy=f"see why: {self.log}")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.health, timeout=2):  # noqa: S310 - our own address
                return True
        except (HTTPException, OSError):  # another program may answer there, in another protocol
            return False

    def end(self) -> None:
        try:
            self.process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # its remaining child processes
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Servers:
    """Servers that live as long as the `with` block.

    Each leads its own session: Ctrl-C in a terminal reaches only this process, which ends the others. On Linux they
    also end if this process is killed.

    Args:
        logs: Folder of their output, one file per server, from the last start only.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._servers: list[_Server] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        health: str,
        environment: Mapping[str, str] | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        """Start a server, without waiting for it.

        Args:
            name: Name in error messages.
            command: Arguments for Python, without Python itself.
            health: URL that answers once the server is ready.
            environment: Variables in addition to this process's.
            listener: Bound socket for a server that inherits it; the command contains its file number.

        Raises:
            StateError: Something else listens on its port.
        """
        address = urlsplit(health)
        assert address.hostname is not None
        assert address.port is not None
        if listener is None:
            check_port(name, address.hostname, address.port)
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name.removeprefix('the ').lower()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-I", "-S", _ATTACHED, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                pass_fds=() if listener is None else (listener.fileno(),),
            )
        self._servers.append(_Server(name, health, log, process))

    def wait(self) -> None:
        """Wait until all that were started answer.

        Raises:
            StateError: One ended, or did not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        for server in self._servers:
            with console.status(f"starting {server.name}"):
                while not server.answers():
                    self._check()
                    if time.monotonic() > deadline:
                        raise StateError(
                            f"{server.name} does not answer",
                            got=f"nothing at {server.health} in {START_SECONDS} s",
                            remedy=f"see why: {server.log}",
                        )
                    time.sleep(LOOK_SECONDS)
        self._check()

    def watch(self) -> None:
        """Wait until a server ends, or until interrupted.

        Raises:
            StateError: A server ended.
        """
        while True:
            self._check()
            time.sleep(LOOK_SECONDS)

    def _check(self) -> None:
        for server in self._servers:
            server.check()

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all servers, the last started first."""
        for server in reversed(self._servers):
            server.process.terminate()
        for server in reversed(self._servers):
            server.end()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the block as Ctrl-C does; a second signal does not interrupt the shutdown.

    Signals that the process was started to ignore, as by `nohup`, stay ignored.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        for other in handled:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in handled:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


def check_port(name: str, host: str, port: int) -> None:
    """Check that a server can listen on a port.

    Raises:
        StateError: It cannot.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise StateError(
            f"{name} cannot listen on port {port} of {host}",
            got=getattr(error, "strerror", None) or str(error),
            remedy="stop the program that listens there, or choose another port",
        ) from error


def _exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
