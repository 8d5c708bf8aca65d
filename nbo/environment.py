"""The environment variables that MLflow, Prefect, Feast and LightGBM read when they are imported."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

from config.settings import Settings

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def prepare(environ: MutableMapping[str, str], settings: Settings) -> None:
    """Set variables that libraries read on import: no telemetry, and state in the home unless the user has set it.

    Call it before prefect, mlflow or feast are imported.

    Args:
        environ: The environment to change, usually `os.environ`.
        settings: Settings with the home and the tracking URI.

    Example:
        >>> from pathlib import Path
        >>> environ = {"PREFECT_API_URL": "http://prefect.bank.example/api"}
        >>> prepare(environ, Settings.from_environment({"NBO_HOME": "/srv/nbo"}))
        >>> environ["MLFLOW_DISABLE_TELEMETRY"], environ["PREFECT_API_URL"]
        ('true', 'http://prefect.bank.example/api')
    """
    forced = {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "FEAST_USAGE": "False",
    }
    defaults = {
        # LightGBM's threads sleep while they wait: spinning made training 20 times slower on shared cores
        "OMP_WAIT_POLICY": "passive",
        # scheduled flows run in separate processes, which may start in another folder
        "NBO_HOME": str(settings.home),
        "NBO_DATA": str(settings.data.resolve()),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_LOCAL_STORAGE_PATH": str(settings.home / "prefect" / "results"),
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(settings.home / "prefect" / "results"),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # results are read back, and must not be pickles
        # the embedded server needs 6 to 20 s to start, more on a busy machine
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        # the command reports failures once; scheduled flows set their own level
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    environ.update(forced)
    for name, value in defaults.items():
        environ.setdefault(name, value)
    _reach_this_machine_directly(environ)


def _reach_this_machine_directly(environ: MutableMapping[str, str]) -> None:
    """Exclude servers on this machine from a proxy, which cannot reach them.

    If no proxy is set, nothing is changed: `no_proxy` alone would hide the proxies of a Mac's system settings.
    """
    if not any(environ.get(name) for proxy in _PROXIES for name in (proxy, proxy.upper())):
        return
    direct = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if direct.strip() == "*":
        return
    named = [name.strip() for name in direct.split(",") if name.strip()]
    value = ",".join([*named, *(name for name in _THIS_MACHINE if name not in named)])
    environ["no_proxy"] = environ["NO_PROXY"] = value


def end_telemetry() -> None:
    """Stop MLflow's telemetry if it was imported before the environment was prepared.

    Data that it has not sent is dropped. The other libraries read the environment before they send.
    """
    telemetry = sys.modules.get("mlflow.telemetry")
    if telemetry is None:
        return
    client = telemetry.get_telemetry_client()
    if client is not None:
        client.flush(terminate=True)
    telemetry.set_telemetry_client()
