"""The process environment that the libraries below read when they are imported."""

from __future__ import annotations

from collections.abc import MutableMapping

from config.settings import Settings

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def prepare(environ: MutableMapping[str, str], settings: Settings) -> None:
    """Set what a library reads on import, unless the user has set it: no telemetry, state below the home.

    Call it before prefect, mlflow or feast are imported.

    Args:
        environ: Usually `os.environ`.

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
        # LightGBM's threads wait asleep: where others use the same cores, spinning made training 20 times slower
        "OMP_WAIT_POLICY": "passive",
        # scheduled flows run in processes of their own, which need not begin in this folder
        "NBO_HOME": str(settings.home),
        "NBO_DATA": str(settings.data.resolve()),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_LOCAL_STORAGE_PATH": str(settings.home / "prefect" / "results"),
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(settings.home / "prefect" / "results"),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # results are read back: never as pickle
        # the embedded server needs 6 to 20 s to start, more on a busy machine
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        # what fails is told once, by the command; scheduled flows set their own
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
    """Ask servers on this machine without a proxy, which knows nothing of them.

    Where no proxy is set nothing is: an exception alone would hide the proxies of a Mac's settings.
    """
    if not any(environ.get(name) for proxy in _PROXIES for name in (proxy, proxy.upper())):
        return
    direct = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    named = [name.strip() for name in direct.split(",") if name.strip()]
    value = ",".join([*named, *(name for name in _THIS_MACHINE if name not in named)])
    environ["no_proxy"] = environ["NO_PROXY"] = value
