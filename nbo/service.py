"""The command `nbo serve`: runs the workers, and one process that publishes the champions."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from config.problems import ConfigurationErrors
from config.service import API_KEYS, BANK, CLOCK, METRICS, RATES, SCOPES, ConnectionLimits, ServiceSettings
from domain.errors import DataError, NboError, StateError, nearest
from nbo.console_link import prepare_console, share_used_links
from nbo.display import console
from nbo.processes import check_port, ended_by_signals
from nbo.supervisor import Supervisor
from serving.api.connections import SPARE, limited
from serving.api.logs import log_settings
from serving.api.security import new_key
from serving.champions import MANIFEST
from serving.service.clock import ClockBase
from wiring.addresses import check_addresses
from wiring.bank_time import TimeOrigin, bank_now, serving_time
from wiring.components import Components, reload_components

PUBLISH_SECONDS: Final = 5.0
"""Interval between checks of the registry."""

PARENT: Final = "NBO_SERVICE_PARENT"
"""Environment variable with the process id of the publisher's service."""

OTHER_FILES: Final = 100
"""Most files that a worker has open besides connections: databases, files of the log, pipes."""

PROMETHEUS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that the metrics library reads on import; Feast would set it to a folder of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where a service listens.

    Attributes:
        host: Address.
        port: Port.
        certificate: TLS certificate with its chain; None for plain HTTP.
        key: Private key of the certificate.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def address(self) -> str:
        """Address for clients."""
        return f"{'http' if self.certificate is None else 'https'}://{self.host}:{self.port}"


def serve(components: Components, listener: Listener, *, workers: int, as_of: datetime | None) -> None:
    """Serve until interrupted.

    Args:
        components: The bank's components.
        listener: Where to listen.
        workers: Number of worker processes.
        as_of: Where the service's clock starts; None for the last moment of a simulated bank, else the machine's time.

    Raises:
        NboError: A setting is invalid, the port is taken, the bank is already served at another time, or there are no
            champions and the registry cannot provide them.
    """
    check_port("the service", listener.host, listener.port)
    check_addresses(components, os.environ)
    if link := prepare_console(listener.address):
        console.print(f"console: {link}", markup=False, highlight=False, soft_wrap=True)
    settings = prepare_keys()
    limits = within_open_files(settings.connections)
    with (
        ended_by_signals(),
        telling_time(components, as_of) as ahead,
        publishing(components),
        TemporaryDirectory(prefix="nbo-metrics-") as metrics,
    ):
        os.environ.update({BANK: str(components.folder.resolve()), CLOCK: ClockBase.of(ahead).text()})
        share_used_links(Path(metrics, "links"))
        os.environ.update({METRICS: metrics, PROMETHEUS: metrics, RATES: str(Path(metrics, "rates"))})
        config = uvicorn.Config(
            "nbo.worker:application",
            factory=True,
            host=listener.host,
            port=listener.port,
            workers=workers,
            log_config=log_settings(),
            access_log=False,
            server_header=False,
            date_header=False,
            http=limited(limits, settings.largest_body),  # type: ignore[arg-type]  # a factory, called like a class
            ws="none",
            ssl_certfile=None if listener.certificate is None else str(listener.certificate),
            ssl_keyfile=None if listener.key is None else str(listener.key),
            timeout_graceful_shutdown=10,
            timeout_keep_alive=math.ceil(limits.idle_seconds),
            timeout_worker_healthcheck=10,  # importing on a busy machine may take long
        )
        supervisor = Supervisor(config, [config.bind_socket()])
        console.print(
            f"serving {components.name} on {listener.address}; API description: {listener.address}/openapi.json"
        )
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise StateError("the service did not start", remedy="its log says why")


@contextmanager
def telling_time(components: Components, as_of: datetime | None) -> Iterator[timedelta]:
    """Fix and print the bank's serving time for the length of the block; yield how far it is ahead of real time."""
    with serving_time(components, as_of) as time:
        stands = f"{time.now().astimezone(components.bank.time_zone):%Y-%m-%d %H:%M:%S}"
        if time.origin is TimeOrigin.LAST_MOMENT:
            message = f"bank {components.name} is simulated: the clock starts at its last moment, {stands}"
            message += f"; to start at another moment: --as-of {stands[:10]}T12:00:00"
        elif time.origin is TimeOrigin.KEPT:
            message = f"the clock continues at {stands}, up to which news is stored, and it never goes back"
        elif time.origin is TimeOrigin.SHARED:
            message = f"bank {components.name} is already being served; "
            message += f"this service shares its clock, which stands at {stands}"
        else:
            message = f"the clock starts at {stands}"
        if time.ahead:
            console.print(message, markup=False, highlight=False)
        yield time.ahead


def within_open_files(limits: ConnectionLimits) -> ConnectionLimits:
    """Raise the limit of open files of this process and its workers to what the connections need.

    Returns:
        The limits, with fewer connections if the machine does not allow enough open files.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.most + SPARE + OTHER_FILES
    if now == resource.RLIM_INFINITY or now >= needed:
        return limits
    raised = needed if most == resource.RLIM_INFINITY else min(needed, most)
    with suppress(OSError, ValueError):  # some systems allow less than they report
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))
        now = raised
    if now >= needed:
        return limits
    fewer = max(1, now - SPARE - OTHER_FILES)
    console.print(
        f"{fewer} connections at most for each worker, not {limits.most}: {now} files may be open (ulimit -n)",
        markup=False,
        highlight=False,
    )
    return replace(limits, most=fewer)


def prepare_keys() -> ServiceSettings:
    """Read the settings; if no keys are set, create one for this run and pass it to workers by the environment."""
    settings = ServiceSettings.from_environment(os.environ)
    if not settings.keys and settings.jwt_key is None:
        new, entry = new_key("this run", SCOPES)
        os.environ[API_KEYS] = json.dumps([entry])
        console.print(f"no keys are set; for this run: X-API-Key: {new}", markup=False, highlight=False)
    return settings


def show_key(name: str, scopes: Sequence[str], per_second: float | None) -> None:
    """Create a key and print it with its entry; the key is shown only this once.

    Raises:
        DataError: A scope does not exist.
        SettingError: The name or the rate makes no sense.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise DataError("no such scope", got=f"'{scope}'", expected=nearest(scope, SCOPES))
    new, entry = new_key(name, scopes, per_second)
    ServiceSettings.from_environment({API_KEYS: json.dumps([entry])})  # what would not be read is not given out
    console.print(f"key, for the caller: {new}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"entry of {API_KEYS}: {json.dumps(entry)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def publishing(components: Components) -> Iterator[None]:
    """Run a process that publishes the champions for the length of the block.

    It is a separate process, because querying the registry takes memory and time that workers cannot spare. While the
    registry does not answer, the previous champions stay in charge; without any, nothing can be served.
    """
    command = [sys.executable, "-m", "nbo", "--bank", str(components.folder), "champions"]
    # MLflow's client would retry for four minutes before it gives up; the publisher retries anyway
    environment = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20", **os.environ}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if not (components.places.champions / MANIFEST).exists():
        with console.status("fetching the champions"):
            done = subprocess.run(command, env=environment, **quiet, check=False)  # type: ignore[call-overload]  # noqa: S603
        if done.returncode:
            raise StateError(
                "the champions could not be fetched",
                got=f"exit code {done.returncode}",
                remedy=f"see why: nbo --bank {components.folder} champions",
            )
    environment[PARENT] = str(os.getpid())
    command += ["--every", str(PUBLISH_SECONDS)]
    process = subprocess.Popen(command, env=environment, **quiet)  # type: ignore[call-overload]  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def publish(components: Components, every_seconds: float | None) -> None:
    """Publish the champions once, or repeatedly until interrupted; failures are then retried."""
    if every_seconds is not None:
        os.nice(10)  # workers come first, above all while everything starts
    from wiring.models import publish_champions  # noqa: PLC0415  imports MLflow, which the service does without
    from wiring.rollout import do_what_is_asked  # noqa: PLC0415  so does this

    if every_seconds is None:
        changed = publish_champions(components)
        console.print("the champions have changed" if changed else "the champions have not changed")
        return
    parent = os.environ.get(PARENT)
    while parent in {None, str(os.getppid())}:  # a killed service cannot end this process
        with suppress(ConfigurationErrors):  # the models of trials follow the folder; while it has errors, as it was
            components = reload_components(components.folder)
        try:
            do_what_is_asked(components, bank_now(components))
            publish_champions(components)
        except (NboError, OSError) as error:
            console.print(f"not published: {error}", markup=False)
        except Exception as error:  # noqa: BLE001  the client raises anything when the registry is down
            console.print(f"the registry does not answer: {type(error).__name__}", markup=False)
        time.sleep(every_seconds)
