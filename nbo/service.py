"""The real-time service as a command: workers, and beside them one process that looks after the champions."""

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
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from config.service import API_KEYS, BANK, CLOCK, METRICS, RATES, SCOPES, ConnectionLimits, ServiceSettings
from domain.errors import DataError, NboError, StateError, nearest
from nbo.display import console
from nbo.processes import check_port, ended_by_signals
from serving.api.connections import SPARE, limited
from serving.api.keys import new_key
from serving.api.logs import log_settings
from serving.service.champions import MANIFEST
from serving.service.clock import ClockBase
from wiring.addresses import check_addresses
from wiring.bank_time import Origin, serving_time
from wiring.components import Components

PUBLISH_SECONDS: Final = 5.0
"""Between looks at the registry."""

PARENT: Final = "NBO_SERVICE_PARENT"
"""Tells the publisher whose it is."""

OTHER_FILES: Final = 100
"""Files that a worker has open beside connections, at most: databases, the log's files, pipes."""

PROMETHEUS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""What the library of metrics reads on import; Feast would set it to a folder of its own."""


def serve(
    components: Components,
    *,
    host: str,
    port: int,
    workers: int,
    as_of: datetime | None,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        parts: The bank's.
        host: To listen on.
        port: To listen on.
        workers: Processes that answer.
        as_of: Where the service's clock stands; None for the last moment of a simulated bank, else the machine's time.
        certificate: TLS certificate, with its chain; None for none.
        key: Of the certificate.

    Raises:
        NboError: A setting, a port that is taken, another service of the bank at another time, or there are no
            champions and no registry to ask for them.
    """
    check_port("the service", host, port)
    check_addresses(components, os.environ)
    settings = prepare_keys()
    limits = within_open_files(settings.connections)
    with (
        ended_by_signals(),
        telling_time(components, as_of) as ahead,
        publishing(components),
        TemporaryDirectory(prefix="nbo-metrics-") as metrics,
    ):
        os.environ.update({BANK: str(components.folder.resolve()), CLOCK: ClockBase.of(ahead).text()})
        os.environ.update({METRICS: metrics, PROMETHEUS: metrics, RATES: str(Path(metrics, "rates"))})
        config = uvicorn.Config(
            "nbo.worker:application",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=log_settings(),
            access_log=False,
            server_header=False,
            date_header=False,
            http=limited(limits, settings.largest_body),  # type: ignore[arg-type]  # makes one as a class would
            ws="none",
            ssl_certfile=None if certificate is None else str(certificate),
            ssl_keyfile=None if key is None else str(key),
            timeout_graceful_shutdown=10,
            timeout_keep_alive=math.ceil(limits.idle_seconds),
            timeout_worker_healthcheck=10,  # a worker that imports on a busy machine is not one that hangs
        )
        supervisor = Multiprocess(config, [config.bind_socket()])
        address = f"{'http' if certificate is None else 'https'}://{host}:{port}"
        console.print(f"serving {components.name} on {address}, its API as {address}/openapi.json says")
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise StateError("the service did not start", remedy="its log says why")


@contextmanager
def telling_time(components: Components, as_of: datetime | None) -> Iterator[timedelta]:
    """Fix the time at which the bank is served for the length of the block, and say it; how far it is ahead."""
    with serving_time(components, as_of) as time:
        stands = f"{time.now().astimezone(components.bank.time_zone):%Y-%m-%d %H:%M:%S}"
        if time.origin is Origin.LAST_MOMENT:
            said = f"bank {components.name} is simulated: the clock starts at its last moment, {stands}"
            said += f"; to start at another: --as-of {stands[:10]}T12:00:00"
        elif time.origin is Origin.KEPT:
            said = f"the clock goes on at {stands}: events and contacts up to then are kept, and it never goes back"
        elif time.origin is Origin.SHARED:
            said = f"bank {components.name} is being served already; "
            said += f"this service shares its clock, which stands at {stands}"
        else:
            said = f"the clock starts at {stands}"
        if time.ahead:
            console.print(said, markup=False, highlight=False)
        yield time.ahead


def within_open_files(limits: ConnectionLimits) -> ConnectionLimits:
    """Raise the number of files that this process and its workers may have open to what connections need.

    Returns:
        The limits, of fewer connections where the machine allows no more.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.most + SPARE + OTHER_FILES
    if now == resource.RLIM_INFINITY or now >= needed:
        return limits
    given = needed if most == resource.RLIM_INFINITY else min(needed, most)
    with suppress(OSError, ValueError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (given, most))
        now = given
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
    """Make a key for this run where nobody has one, and tell workers by the environment; all settings."""
    settings = ServiceSettings.from_environment(os.environ)
    if not settings.keys and settings.jwt_key is None:
        made, entry = new_key("this run", SCOPES)
        os.environ[API_KEYS] = json.dumps([entry])
        console.print(f"no keys are set; for this run: X-API-Key: {made}", markup=False, highlight=False)
    return settings


def show_key(name: str, scopes: Sequence[str], per_second: float | None) -> None:
    """Make a key and print it with its entry; it is shown this once.

    Raises:
        DataError: A scope that there is not.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise DataError("no such scope", got=f"'{scope}'", expected=nearest(scope, SCOPES))
    made, entry = new_key(name, scopes, per_second)
    console.print(f"key, for the caller: {made}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"entry of {API_KEYS}: {json.dumps(entry)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def publishing(components: Components) -> Iterator[None]:
    """Have a process look after the champions for the length of the block.

    It is a process of its own, because asking the registry takes memory and time that those who answer do not have.
    Where the registry does not answer, the champions of before go on; without any, nothing can be served.
    """
    command = [sys.executable, "-m", "nbo", "--bank", str(components.folder), "champions"]
    # MLflow's client would ask for four minutes before it says that nobody answers; this one asks again anyway
    told = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20", **os.environ}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if not (components.places.champions / MANIFEST).exists():
        with console.status("fetching the champions"):
            done = subprocess.run(command, env=told, **quiet, check=False)  # type: ignore[call-overload]  # noqa: S603
        if done.returncode:
            raise StateError(
                "the champions could not be fetched",
                got=f"exit code {done.returncode}",
                remedy=f"see why: nbo --bank {components.folder} champions",
            )
    told[PARENT] = str(os.getpid())
    process = subprocess.Popen([*command, "--every", str(PUBLISH_SECONDS)], env=told, **quiet)  # type: ignore[call-overload]  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def publish(components: Components, every_seconds: float | None) -> None:
    """Publish the champions, once or until interrupted; what fails in between is tried again."""
    if every_seconds is not None:
        os.nice(10)  # those who answer come first, above all while everything starts
    from wiring.champions import publish_champions  # noqa: PLC0415  MLflow, which those who serve do without

    if every_seconds is None:
        changed = publish_champions(components)
        console.print("the champions are others now" if changed else "the champions are as before")
        return
    parent = os.environ.get(PARENT)
    while parent in {None, str(os.getppid())}:  # a service that was killed cannot end this
        try:
            publish_champions(components)
        except (NboError, OSError) as error:
            console.print(f"not published: {error}", markup=False)
        except Exception as error:  # noqa: BLE001  a registry that is away fails in its client's words
            console.print(f"the registry does not answer: {type(error).__name__}", markup=False)
        time.sleep(every_seconds)
