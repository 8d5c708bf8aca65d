from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import proxy_bypass_environment

import pytest

from config.settings import Settings
from nbo.environment import prepare


def prepared(**given: str) -> dict[str, str]:
    environ = {"NBO_HOME": "/srv/nbo", **given}
    prepare(environ, Settings.from_environment(environ))
    return environ


def test_telemetry_is_off_whatever_the_user_has_set() -> None:
    environ = prepared(MLFLOW_DISABLE_TELEMETRY="false", PREFECT_SERVER_ANALYTICS_ENABLED="true", DO_NOT_TRACK="0")
    assert environ["MLFLOW_DISABLE_TELEMETRY"] == environ["DO_NOT_TRACK"] == "true"
    assert environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_all_state_lies_below_the_home() -> None:
    environ = prepared()
    for name in ("PREFECT_HOME", "PREFECT_LOCAL_STORAGE_PATH", "PREFECT_RESULTS_LOCAL_STORAGE_PATH"):
        assert Path(environ[name]).is_relative_to("/srv/nbo")
    assert environ["MLFLOW_TRACKING_URI"] == "sqlite:////srv/nbo/mlflow/mlflow.db"


def test_servers_that_the_user_names_are_used() -> None:
    environ = prepared(MLFLOW_TRACKING_URI="http://mlflow.bank.example", PREFECT_HOME="/srv/prefect")
    assert environ["MLFLOW_TRACKING_URI"] == "http://mlflow.bank.example"
    assert environ["PREFECT_HOME"] == "/srv/prefect"


@pytest.mark.parametrize(
    "given", [{}, {"NO_PROXY": "bank.example"}, {"no_proxy": "bank.example, ::1"}, {"NO_PROXY": "*"}]
)
def test_servers_on_this_machine_are_not_asked_through_a_proxy(given: dict[str, str]) -> None:
    environ = prepared(http_proxy="http://proxy.bank.example:8080", **given)
    for name in ("no_proxy", "NO_PROXY"):
        if name in environ:
            excepted = {"no": environ[name]}
            assert all(proxy_bypass_environment(host, excepted) for host in ("127.0.0.1:4200", "localhost"))
            assert bool(proxy_bypass_environment("mlflow.bank.example", excepted)) == bool(given)
    assert environ["http_proxy"] == "http://proxy.bank.example:8080"


def test_results_are_never_pickles() -> None:
    assert prepared()["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"


def test_processes_that_begin_elsewhere_find_the_same_home_and_data() -> None:
    environ: dict[str, str] = {}
    prepare(environ, Settings.from_environment(environ))
    assert Path(environ["NBO_HOME"]).is_absolute()
    assert Path(environ["NBO_DATA"]).is_absolute()
    assert Settings.from_environment(environ).home == Settings.from_environment({}).home


def test_preparing_again_changes_nothing() -> None:
    environ = prepared()
    again = dict(environ)
    prepare(again, Settings.from_environment(again))
    assert again == environ


class AnswerWrite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_servers_on_this_machine_are_asked_without_the_proxy(variable: str) -> None:
    code = """if True:
        import os, sys, urllib.request
        from config.settings import Settings
        from nbo.environment import prepare
        prepare(os.environ, Settings.from_environment(os.environ))
        import httpx, requests
        for address in sys.argv[1:]:
            print(httpx.get(address).status_code, requests.get(address).status_code)
            print(urllib.request.urlopen(address, timeout=5).status)
    """
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environ[variable] = "http://127.0.0.1:9"
    with HTTPServer(("127.0.0.1", 0), AnswerWrite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        addresses = [f"http://{host}:{server.server_port}/" for host in ("127.0.0.1", "localhost")]
        command = [sys.executable, "-c", code, *addresses]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        server.shutdown()
    assert done.stdout.split() == ["200"] * 6, done.stderr


def test_what_a_bank_reaches_without_its_proxy_stays_so() -> None:
    environ = prepared(https_proxy="http://proxy.bank.example", NO_PROXY="bank.example, localhost")
    assert environ["NO_PROXY"] == environ["no_proxy"] == "bank.example,localhost,127.0.0.1,::1"


def test_without_a_proxy_nothing_is_said_of_proxies() -> None:
    assert not {"NO_PROXY", "no_proxy"} & set(prepared())
