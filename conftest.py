"""Tests and doctests work on state of their own: never on the user's `.nbo`, never on what the user names."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest

from config.settings import Settings
from nbo.environment import prepare

OF_THE_USER = (
    *("NBO_", "PREFECT_", "MLFLOW_", "OTEL_", "SPARK_", "PYSPARK_", "PG", "GIT_"),
    # what terminals are told about colours and width: here words are compared
    *("COLUMNS", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"),
)
MADE_ONCE, FLOW_SERVER = "TESTS_MADE_ONCE", "TESTS_FLOW_SERVER"
"""Variables that tell the workers of pytest-xdist what all of them have: the folder of `made_once`, and a server."""

# first, for Feast has numbers of a process kept in files, which all apps of a test process would share
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
import_module("prometheus_client")
# before anything imports prefect, mlflow or feast, which look at the environment only then; each worker of
# pytest-xdist has a home of its own, although it inherits the environment of the one that started it
for _name in [*os.environ]:
    if _name.startswith(OF_THE_USER):
        del os.environ[_name]
# as in the Makefile: a test that starts a process would wait for it to compile everything that it imports
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# small matrices are slower on many threads, and the processors have other tests to run
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
HOME = Path(tempfile.mkdtemp(prefix="nbo-tests-"))
os.environ["NBO_HOME"] = str(HOME)
prepare(os.environ, Settings.from_environment(os.environ))
# its parent must be there before prefect is imported
(HOME / "prefect").mkdir()
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ[MADE_ONCE] = str(HOME / "made_once")
    os.environ.pop(FLOW_SERVER, None)
elif FLOW_SERVER in os.environ:
    os.environ["PREFECT_API_URL"] = os.environ[FLOW_SERVER]
ENDING = ExitStack()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Start one server for the flows of all workers while they collect; where only some tests run, few have flows."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        from nbo.processes import Servers
        from nbo.servers import start_flow_server

        os.environ[FLOW_SERVER] = start_flow_server(ENDING.enter_context(Servers(HOME / "logs")))


def pytest_collection_finish() -> None:
    """Wait until that server answers; what was imported stays, and garbage is looked for beside it and seldom."""
    from hypothesis import given, strategies

    # its source of random numbers must have somebody who refers to it: what is frozen is not seen to do so
    given(strategies.none())(lambda nothing: None)()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if "PREFECT_API_URL" in os.environ:
        import httpx

        from tests.waiting import until

        def answers() -> bool:
            try:
                return httpx.get(f"{os.environ['PREFECT_API_URL']}/health").is_success
            except httpx.TransportError:
                return False

        until(answers)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    del config
    ENDING.close()
    shutil.rmtree(HOME, ignore_errors=True)
