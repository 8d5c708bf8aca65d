"""Servers of the libraries below, started on the embedded state and ended with the command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from config.settings import Settings
from domain.errors import StateError
from nbo.display import console, show_table
from wiring.parts import Parts

START_SECONDS = 120
"""A server that does not answer by then has failed; on a fresh home Prefect needs about 20."""


@contextmanager
def server(name: str, command: Sequence[str], health: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server for the length of the block.

    Raises:
        StateError: It ended, or did not answer in time.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        _wait(name, process, health)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def prefect_server(settings: Settings, port: int = 4200) -> Iterator[str]:
    """Start a Prefect server on the embedded state, or use the one that `PREFECT_API_URL` names.

    Cron deployments fire only with a real server: against the one that a flow starts for itself they never do.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given:
        yield given
        return
    url = f"http://127.0.0.1:{port}/api"
    command = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with server("Prefect", command, f"{url}/health", {}):
        yield url


@contextmanager
def mlflow_server(settings: Settings, port: int) -> Iterator[str]:
    """Start MLflow's pages on the embedded state."""
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # the job runner would take 1.6 GB and four more processes
    told = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri}
    with server("MLflow", command, f"{url}/health", told):
        yield url


def serve_pages(parts: Parts, port: int) -> None:
    """Show the pages of MLflow, Prefect and Feast until interrupted."""
    feast = f"http://127.0.0.1:{port + 2}"
    with ExitStack() as stack:
        mlflow = stack.enter_context(mlflow_server(parts.settings, port))
        prefect = stack.enter_context(prefect_server(parts.settings, port + 1))
        stack.enter_context(server("Feast", ["-m", "nbo.feast_pages", str(parts.folder), str(port + 2)], feast, {}))
        show_table(
            "pages, until Ctrl-C",
            ("what", "where"),
            [
                ("MLflow: runs, models", mlflow),
                ("Prefect: flow runs, artefacts", prefect.removesuffix("/api")),
                ("Feast: features, services", feast),
            ],
        )
        _until_interrupted()


def serve_everything(parts: Parts, port: int, workers: int, as_of: str | None) -> None:
    """Run the real-time service, MLflow and Prefect until interrupted.

    Args:
        parts: The bank's.
        port: Of the service; MLflow and Prefect have the next two.
        workers: Of the service.
        as_of: Where its clock stands, as the command line says it.
    """
    service = f"http://127.0.0.1:{port}"
    command = ["-m", "nbo", "--bank", str(parts.folder), "serve", "--port", str(port), "--workers", str(workers)]
    command += [] if as_of is None else ["--as-of", as_of]
    with ExitStack() as stack:
        mlflow = stack.enter_context(mlflow_server(parts.settings, port + 1))
        prefect = stack.enter_context(prefect_server(parts.settings, port + 2))
        stack.enter_context(server("the service", command, f"{service}/readyz", {}))
        show_table(
            "running, until Ctrl-C",
            ("what", "where"),
            [
                ("decisions and events", f"{service}/docs"),
                ("metrics", f"{service}/metrics"),
                ("MLflow: runs, models", mlflow),
                ("Prefect: flow runs, artefacts", prefect.removesuffix("/api")),
            ],
        )
        _until_interrupted()


def _until_interrupted() -> None:
    while True:
        time.sleep(3600)


def _wait(name: str, process: subprocess.Popen[bytes], health: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with console.status(f"starting {name}"):
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StateError(
                    f"{name} did not start",
                    got=f"exit code {process.returncode}",
                    remedy="see whether another server has its port: try --port",
                )
            try:
                with urllib.request.urlopen(health, timeout=2):  # noqa: S310 - our own address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
    raise StateError(f"{name} does not answer", got=f"nothing at {health} in {START_SECONDS} s")
