"""Servers of the libraries below on the embedded state, and beside them the real-time service."""

from __future__ import annotations

import atexit
import os
import socket
import sys

from config.settings import Settings
from events.lock import locked
from nbo.display import console, show_table
from nbo.processes import Servers, check_port, ended_by_signals
from wiring.components import Components

HOST = "127.0.0.1"
Rows = list[tuple[str, str]]
"""What there is, and where."""


def start_prefect(servers: Servers, port: int) -> str:
    """Start a Prefect server on the embedded state, or take the one that `PREFECT_API_URL` names.

    Cron deployments fire only with a real server: against the one that a flow starts for itself they never do.

    Returns:
        Address of its API.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given:
        return given
    url = f"http://{HOST}:{port}/api"
    command = ["-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    servers.start("Prefect", command, f"{url}/health")
    return url


def serve_flows(settings: Settings) -> None:
    """Have a Prefect server for the flows of this process, until it ends; or take the one of `PREFECT_API_URL`.

    It is the one that a flow starts for itself where there is none, on a port that is ours from the beginning instead
    of one drawn from 8000 to 8999, ending where this process is killed, and with a file for its words: those of its
    own end would be the last lines on the terminal.

    Call it before prefect is imported, which reads the environment then. A process that has imported it, as a notebook
    may, is left as it is.

    Raises:
        StateError: The server did not start.
    """
    if os.environ.get("PREFECT_API_URL") or "prefect" in sys.modules:
        return
    servers = Servers(settings.home / "logs")
    # what prefect still has to tell its server is sent when threads end, which is before this
    atexit.register(servers.__exit__, None, None, None)
    # on a fresh home it makes its database, which only one can
    with locked(settings.home / "prefect" / "starting.lock"), socket.socket() as listener:
        listener.bind((HOST, 0))
        url = f"http://{HOST}:{listener.getsockname()[1]}/api"
        command = ["-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", "--fd", str(listener.fileno())]
        # of what a server for schedules does besides, nothing is needed
        told = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1", "PREFECT_UI_ENABLED": "0"}
        servers.start("the flow-server", [*command, "--log-level", "error"], f"{url}/health", told, listener)
        listener.close()  # from now on it is the server's alone
        servers.wait()
    os.environ["PREFECT_API_URL"] = url


def start_mlflow(servers: Servers, settings: Settings, port: int) -> str:
    """Start MLflow's pages on the embedded state, or take the server that `MLFLOW_TRACKING_URI` names."""
    if settings.tracking_uri.startswith(("http://", "https://")):
        return settings.tracking_uri
    url = f"http://{HOST}:{port}"
    command = ["-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    # the job runner would take 1.6 GB and four more processes
    told = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri}
    servers.start("MLflow", command, f"{url}/health", told)
    return url


def serve_pages(components: Components, port: int) -> None:
    """Show the pages of MLflow, Prefect and Feast until interrupted, on this port and the next two.

    Raises:
        StateError: A server did not start, or ended.
    """
    with ended_by_signals(), Servers(components.places.logs) as servers:
        rows = _start_pages(servers, components, port)
        servers.wait()
        _show(servers, rows)


def serve_everything(components: Components, port: int, workers: int, as_of: str | None) -> None:
    """Run the real-time service, MLflow, Prefect and Feast until interrupted.

    Args:
        parts: The bank's.
        port: Of the service; MLflow, Prefect and Feast have the next three.
        workers: Of the service.
        as_of: Where its clock stands, as the command line says it.

    Raises:
        StateError: A server did not start, or ended.
    """
    check_port("the service", HOST, port)  # now: it is started when the others answer
    service = f"http://{HOST}:{port}"
    command = ["-m", "nbo", "--bank", str(components.folder), "serve", "--port", str(port), "--workers", str(workers)]
    command += [] if as_of is None else ["--as-of", as_of]
    with ended_by_signals(), Servers(components.places.logs) as servers:
        rows = _start_pages(servers, components, port + 1)
        servers.wait()  # on a fresh home MLflow makes its database, which the service's publisher asks
        servers.start("the service", command, f"{service}/readyz")
        servers.wait()
        described = ("decisions and events: their description", f"{service}/openapi.json")
        first = [described, ("metrics, for who has a key", f"{service}/metrics")]
        _show(servers, [*first, *rows])


def _start_pages(servers: Servers, components: Components, port: int) -> Rows:
    mlflow = start_mlflow(servers, components.settings, port)
    prefect = start_prefect(servers, port + 1)
    feast = f"http://{HOST}:{port + 2}"
    servers.start("Feast", ["-m", "nbo.feast_pages", str(components.folder), str(port + 2)], feast)
    return [
        ("MLflow: runs, models", mlflow),
        ("Prefect: flow runs, artefacts", prefect.removesuffix("/api")),
        ("Feast: features, services", feast),
    ]


def _show(servers: Servers, rows: Rows) -> None:
    show_table("running, until Ctrl-C", ("what", "where"), rows)
    try:
        servers.watch()
    except KeyboardInterrupt:
        console.print("ending")
