"""MLflow, Prefect and Feast servers on the embedded state, with or without the real-time service."""

from __future__ import annotations

import atexit
import os
import socket
import sys
from importlib import import_module
from pathlib import Path

from config.console import MLFLOW, PREFECT
from config.settings import Settings
from domain.sqlite_files import expect_sound
from nbo.console_link import prepare_console
from nbo.display import console, show_table
from nbo.processes import Servers, check_port, ended_by_signals
from storage.lock import locked
from wiring.components import Components

HOST = "127.0.0.1"
Rows = list[tuple[str, str]]
"""Descriptions of servers, each with its address."""


def start_prefect(servers: Servers, port: int) -> str:
    """Start a Prefect server on the embedded state, or use the one that `PREFECT_API_URL` names.

    Cron deployments need a real server: with the one that a flow starts for itself, they never fire.

    Returns:
        Address of the server's API.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        return configured
    _expect_sound_flow_runs()
    url = f"http://{HOST}:{port}/api"
    command = ["-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    servers.start("Prefect", command, f"{url}/health")
    return url


def serve_flows(settings: Settings, module: str = "prefect") -> None:
    """Run a Prefect server for the flows of this process until it ends, or use the one of `PREFECT_API_URL`.

    It replaces the server that a flow would start for itself. Its port is reserved from the beginning instead of drawn
    from 8000 to 8999, it ends if this process is killed, and its output goes to a file instead of being the last lines
    on the terminal.

    Call it before prefect is imported, which reads the environment on import. Nothing is done in a process that has
    already imported prefect, as a notebook may have.

    Args:
        settings: Settings with the home.
        module: Module of the flows, imported while the server starts: each takes seconds.

    Raises:
        StateError: The server did not start, or Prefect's database is damaged.
    """
    if os.environ.get("PREFECT_API_URL") or "prefect" in sys.modules:
        return
    _expect_sound_flow_runs()
    servers = Servers(settings.home / "logs")
    # prefect sends its last messages to the server when threads end, which is before this
    atexit.register(servers.__exit__, None, None, None)
    # on a fresh home the server creates its database, which only one process may do
    with locked(settings.home / "prefect" / "starting.lock"):
        os.environ["PREFECT_API_URL"] = start_flow_server(servers)
        import_module(module)
        servers.wait()


def start_flow_server(servers: Servers) -> str:
    """Start a Prefect server that records flow runs and starts none, without waiting for it.

    Returns:
        Address of the server's API.
    """
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        url = f"http://{HOST}:{listener.getsockname()[1]}/api"
        command = ["-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", "--fd", str(listener.fileno())]
        # services for schedules are not needed
        environment = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1", "PREFECT_UI_ENABLED": "0"}
        servers.start("the flow-server", [*command, "--log-level", "error"], f"{url}/health", environment, listener)
    return url  # the server alone has its port from now on


def _expect_sound_flow_runs() -> None:
    """Check Prefect's database before a server opens it, which would end without saying why."""
    file = Path(os.environ["PREFECT_HOME"]) / "prefect.db"
    expect_sound(file, f"remove {file}: it lists past flow runs, and the next run creates it anew")


def start_mlflow(servers: Servers, settings: Settings, port: int) -> str:
    """Start an MLflow server on the embedded state, or use the one that `MLFLOW_TRACKING_URI` names."""
    if settings.tracking_uri.startswith(("http://", "https://")):
        return settings.tracking_uri
    url = f"http://{HOST}:{port}"
    command = ["-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    # the job runner would take 1.6 GB and four more processes
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri}
    servers.start("MLflow", command, f"{url}/health", environment)
    return url


def serve_pages(components: Components, port: int) -> None:
    """Serve the pages of MLflow, Prefect and Feast until interrupted, on this port and the next two.

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
        components: The bank's components.
        port: Port of the service; MLflow, Prefect and Feast get the next three.
        workers: Number of worker processes of the service.
        as_of: Where the service's clock starts, in the form of the command line; None for the default.

    Raises:
        StateError: A server did not start, or ended.
    """
    check_port("the service", HOST, port)  # early, because the service starts only when the others answer
    service = f"http://{HOST}:{port}"
    link = prepare_console(service)
    command = ["-m", "nbo", "--bank", str(components.folder), "serve", "--port", str(port), "--workers", str(workers)]
    command += [] if as_of is None else ["--as-of", as_of]
    with ended_by_signals(), Servers(components.places.logs) as servers:
        rows = _start_pages(servers, components, port + 1)
        servers.wait()  # on a fresh home MLflow first creates its database, which the service's publisher queries
        addresses = {"MLflow": MLFLOW, "Prefect": PREFECT}
        pages = {addresses[what.partition(":")[0]]: url for what, url in rows if what.partition(":")[0] in addresses}
        servers.start("the service", command, f"{service}/readyz", pages)
        servers.wait()
        described = ("decisions and events: API description", f"{service}/openapi.json")
        if link is not None:
            # not in the table, which would break it into lines
            console.print(f"console: {link}", markup=False, highlight=False, soft_wrap=True)
        first = [described, ("metrics, with an API key", f"{service}/metrics")]
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
