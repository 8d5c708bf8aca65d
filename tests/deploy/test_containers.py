"""Container and compose file against the program: variables, commands, ports, volumes, and what is copied."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mlflow import environment_variables
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names
from ruamel.yaml import YAML
from typer.main import get_command

from config.service import ConnectionLimits, ServiceSettings
from config.settings import Settings
from nbo.commands import app
from nbo.worker import GRACE_SECONDS
from serving.api.app import openapi_document
from serving.api.customers import ConsentBody
from serving.api.models import BatchRequest, DecisionBody
from serving.api.problems import MEDIA_TYPE, ProblemDetails
from tests.containers.engine import MissingError, found_engine
from tests.containers.guide import Guide
from tests.containers.stand_ins import FOLDER as STAND_INS
from tests.containers.stand_ins import IMAGES
from tests.docs.pages import ROOT

CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
HAPROXY = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "deploy" / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: said for name, said in SERVICES.items() if said["image"] == "nbo"}
GUIDE = (ROOT / "docs" / "guides" / "deploy.md").read_text(encoding="utf-8")
OF_PYTHON = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
OF_IMAGES = {
    "entry": set(re.findall(r"\$(NBO_[A-Z]+)", HAPROXY)),
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"},
    "redis": {"REDISCLI_AUTH"},
}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def instructions(name: str) -> list[str]:
    lines = re.sub(r"\\\n", " ", CONTAINERFILE).splitlines()
    return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


@cache
def variables_read() -> frozenset[str]:
    """What the program, Prefect and MLflow read from the environment."""
    texts = {
        node.value
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ours = {text for text in texts if re.fullmatch(r"(NBO|MLFLOW|PREFECT)_[A-Z_]+|DO_NOT_TRACK", text)}
    of_mlflow = {
        variable.name
        for variable in vars(environment_variables).values()
        if isinstance(variable, environment_variables._EnvironmentVariable)
    }
    return frozenset(ours | of_mlflow | _get_valid_setting_names(PrefectSettings))


def places(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Sources and targets of volumes; a default of a variable holds no colon of its own."""
    return [
        (found[1], found[2])
        for text in service.get("volumes", [])
        if (found := re.fullmatch(r"(\$\{[^}]*\}|[^:]+):([^:]+)(?::ro)?", text))
    ]


def published(service: dict[str, Any]) -> Iterator[str]:
    for text in service.get("ports", []):
        yield text.rpartition(":")[2]


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_one_that_is_read(name: str) -> None:
    known = OF_IMAGES.get(name, variables_read())
    assert set(SERVICES[name].get("environment", {})) <= known


def test_every_variable_of_the_image_is_one_that_is_read() -> None:
    said = {word.split("=")[0] for text in instructions("ENV") for word in shlex.split(text)}
    assert said <= variables_read() | OF_PYTHON


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        for found in re.finditer(r"(?i)password\b[^$\n]{0,3}(\S+)|://\w*:(\S+?)@", line):
            assert "${" in line, found
    assert not re.search(r"(?i)(password|secret|key)=", CONTAINERFILE)
    assert {".env", "deploy/api_keys.json", "deploy/certificate.pem"} <= set((ROOT / ".gitignore").read_text().split())


# MLflow warns of type hints of its own when its command line is imported
@pytest.mark.filterwarnings("ignore::UserWarning:mlflow")
@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_with_its_options(name: str) -> None:
    command = [str(word) for word in OURS[name]["command"]]
    if command[0] == "nbo":
        understood(command[1:])
    elif command[0] == "mlflow":
        from mlflow.cli import cli

        assert cli.commands[command[1]].make_context("server", command[2:], resilient_parsing=False).params["port"]
    else:
        from prefect.cli import server

        assert command[:3] == ["prefect", "server", "start"]
        names = set(server.start.__annotations__)
        assert {word.removeprefix("--") for word in command if word.startswith("--")} <= names


def test_the_images_own_command_exists() -> None:
    command = json.loads(instructions("CMD")[-1])
    assert command[0] == "nbo"
    understood(command[1:])
    assert (ROOT / command[2]).is_dir()


def understood(words: list[str]) -> None:
    """Parse a command of ours as the command line does."""
    group = get_command(app)
    context = group.make_context("nbo", list(words), resilient_parsing=True)
    place = next(place for place, word in enumerate(words) if word in group.commands)
    group.commands[words[place]].make_context(words[place], words[place + 1 :], parent=context)


@pytest.mark.parametrize("name", OURS)
def test_what_runs_is_told_to_end_and_has_time_for_what_it_has_begun(name: str) -> None:
    assert OURS[name]["init"] is True
    seconds = int(re.fullmatch(r"(\d+)s", OURS[name]["stop_grace_period"])[1])
    assert seconds > GRACE_SECONDS


@pytest.mark.parametrize("name", OURS)
def test_ports_are_those_that_commands_listen_on(name: str) -> None:
    command = [str(word) for word in OURS[name]["command"]]
    listened = {command[place + 1] for place, word in enumerate(command) if word == "--port"}
    assert set(published(OURS[name])) == (set() if name == "service" else listened)
    assert not listened or command[command.index("--host") + 1] == "0.0.0.0"
    asked = re.findall(r"127\.0\.0\.1:(\d+)", json.dumps(OURS[name].get("healthcheck", {})))
    assert set(asked) <= listened


def test_replicas_are_asked_whether_they_are_ready_at_the_port_they_listen_on() -> None:
    command = [str(word) for word in SERVICES["service"]["command"]]
    port = command[command.index("--port") + 1]
    checked = re.findall(r"127\.0\.0\.1:(\d+)(/\w+)", json.dumps(SERVICES["service"]["healthcheck"]))
    [balanced] = re.findall(r"^\s*server-template \w+ \d+ service:(\d+) ", HAPROXY, re.MULTILINE)
    [asked] = re.findall(r"http-check send meth GET uri (\S+)", HAPROXY)
    assert checked == [(port, asked)]
    assert balanced == port == instructions("EXPOSE")[0]
    assert asked in {route.path for route in _routes()}


def _routes() -> list[Any]:
    from serving.api.health import router

    return list(router.routes)


def test_the_entry_alone_is_reached_from_elsewhere_and_finds_every_replica() -> None:
    for name, said in SERVICES.items():
        for text in said.get("ports", []):
            assert name == "entry" or text.startswith("127.0.0.1:"), text
    [places_for_replicas] = re.findall(r"^\s*server-template \w+ (\d+) ", HAPROXY, re.MULTILINE)
    assert SERVICES["service"]["scale"] == "${NBO_REPLICAS:-2}"
    assert f"{places_for_replicas} at most" in GUIDE


def test_the_entry_answers_where_it_is_asked_and_only_this_machine_without_tls() -> None:
    entry = SERVICES["entry"]
    assert entry["environment"]["NBO_ENTRY"] + ":8000" == entry["ports"][0]
    assert entry["environment"]["NBO_ENTRY"] == "${NBO_ENTRY:-127.0.0.1:8000}"
    assert re.findall(r"^\s*bind (.*)$", HAPROXY, re.MULTILINE) == [":8000", ":8000 ssl crt /run/secrets/certificate"]
    assert entry["command"][-1] == places(entry)[0][1]


def test_the_entry_lets_through_what_the_service_takes_and_nothing_larger() -> None:
    assert f"gt {ServiceSettings().largest_body} }}" in HAPROXY
    assert f"at most {ServiceSettings().largest_body:,} bytes" in HAPROXY
    assert f"bodies {ServiceSettings().largest_body:,} bytes" in GUIDE


def test_what_the_entry_answers_by_itself_is_a_problem_with_its_own_status() -> None:
    answers = re.findall(r"status (\d+) content-type (\S+)(?: hdr Retry-After \d+)? string '(.*?)'", HAPROXY)
    assert len(answers) == 6
    for status, kind, text in answers:
        content = json.loads(text)
        assert (kind, content["status"]) == (MEDIA_TYPE, int(status))
        ProblemDetails(**content)


def test_the_entry_tells_a_request_twice_only_where_the_service_knows_it_again() -> None:
    reads, known = (
        re.compile(found) for found in re.findall(r"^\s*acl (?:reads|known) path_reg (\S+)$", HAPROXY, re.MULTILINE)
    )
    twice = {path for path in _paths("post") if reads.match(path) or known.match(path)}
    assert twice == {
        "/v1/events", "/v1/scores", "/v1/decisions/{decision_id}/replay", "/v1/decisions/{decision_id}/withdrawal",
    }  # fmt: skip
    for name in re.findall(r"json_query\('\$\.(\w+)'\)", HAPROXY):
        assert any(name in body.model_fields for body in (DecisionBody, BatchRequest, ConsentBody)), name
    assert re.findall(r"^\s*retry-on (.*)$", HAPROXY, re.MULTILINE) == ["conn-failure empty-response"]
    assert "http-request disable-l7-retry unless reads or known" in HAPROXY


def _paths(method: str) -> set[str]:
    paths = openapi_document()["paths"]
    return {path for path, methods in paths.items() if method in methods}


def test_the_entry_keeps_connections_for_less_long_than_the_service() -> None:
    [seconds] = re.findall(r"timeout http-keep-alive (\d+)s", HAPROXY)
    assert int(seconds) < ConnectionLimits().idle_seconds


def test_no_line_of_the_entrys_log_names_an_address() -> None:
    assert not re.search(r"^\s*(log |option httplog|log-format)", HAPROXY, re.MULTILINE)


def test_addresses_name_services_and_the_ports_they_listen_on() -> None:
    listening = {"postgres": "5432", "redis": "6379"}
    listening |= {name: port for name, said in OURS.items() for port in published(said)}
    text = json.dumps({name: said.get("environment", {}) for name, said in SERVICES.items()})
    found = re.findall(r"(?:@|//)(\w+):(\d+)", text)
    assert len(found) >= 6
    for host, port in found:
        assert listening[host] == port


def test_the_settings_are_understood_by_the_program() -> None:
    said = {name: re.sub(r"\$\{[^}]*\}", "secret1", value) for name, value in OURS["service"]["environment"].items()}
    settings = Settings.from_environment(said)
    assert settings.online_store.shown == "redis://:***@redis:6379/0"
    assert settings.decision_log.shown == "postgresql+psycopg://nbo:***@postgres:5432/nbo"
    assert settings.tracking_uri == "http://mlflow:5000"


def test_databases_that_are_named_are_made() -> None:
    statement = r"CREATE DATABASE (\w+) OWNER nbo ENCODING 'UTF8' TEMPLATE template0;"
    made = set(re.findall(statement, (ROOT / "deploy/postgres/databases.sql").read_text()))
    made.add(SERVICES["postgres"]["environment"]["POSTGRES_DB"])
    named = re.findall(r"@postgres:5432/(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(named) == made


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_are_declared_and_folders_exist(name: str) -> None:
    for source, _ in places(SERVICES[name]):
        if source.startswith("$"):
            continue
        if source.startswith("."):
            assert (ROOT / "deploy" / source).exists()
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_what_is_written_lies_on_the_shared_volume(name: str) -> None:
    targets = {target: source for source, target in places(OURS[name])}
    assert targets["/srv/nbo"] == "state"
    home = OURS[name]["environment"].get("NBO_HOME", "/srv/nbo")
    assert home == "/srv/nbo" == instructions("VOLUME")[0]
    command = [str(word) for word in OURS[name]["command"]]
    if "--bank" in command:
        assert command[command.index("--bank") + 1] in targets


def test_every_volume_is_used() -> None:
    used = {source for said in SERVICES.values() for source, _ in places(said)}
    assert set(COMPOSE["volumes"]) <= used


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_tell_its_health(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "test" in SERVICES[other]["healthcheck"]


def test_the_image_holds_every_room_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert allowed == {
        *ROOMS,
        "banks",
        "bootstrap.lock",
        "requirements-servers.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    assert [text for text in instructions("COPY") if "--from" not in text] == [
        "bootstrap.lock requirements-servers.lock ./",
        ". .",
    ]
    for name in allowed:
        assert (ROOT / name).exists(), name


def test_the_image_is_not_root_and_checks_every_hash() -> None:
    assert instructions("USER") == ["nbo"]
    assert all(text.startswith("python:3.12-slim") for text in instructions("FROM"))
    installs = [part for text in instructions("RUN") for part in text.split("&&") if "pip install" in part]
    assert len(installs) == 3
    for part in installs:
        assert "--no-deps" in part
        assert "--require-hashes" in part or "--editable ." in part


def test_the_lock_of_the_image_has_the_versions_of_the_others_with_hashes_and_no_address() -> None:
    def pins(file: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE))

    servers, run, dev = (pins(ROOT / f"requirements{part}.lock") for part in ("-servers", "", "-dev"))
    assert run.items() <= servers.items() <= dev.items()
    assert {"redis", "psycopg", "psycopg-binary", "asyncpg"} <= set(servers)
    text = (ROOT / "requirements-servers.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))


@pytest.mark.parametrize("part", ["", "-servers", "-dev"])
def test_a_lock_has_one_version_of_a_package_for_every_python(part: str) -> None:
    lock = (ROOT / f"requirements{part}.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([\w.-]+)==\S+(.*)$", lock, re.MULTILINE)
    times = Counter(name for name, _ in entries)
    assert times["numpy"] == 1
    assert [name for name, marker in entries if times[name] > 1 and "python" in marker] == []


def test_the_guide_names_every_variable_that_people_set() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")))
    assert asked == set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))


def test_the_guide_runs_services_that_there_are() -> None:
    for service in re.findall(r"compose\.yaml run --rm (\w+) nbo", GUIDE):
        assert service in OURS
    for names in re.findall(r"up --detach ([a-z ]+)$", GUIDE, re.MULTILINE):
        assert set(names.split()) <= set(SERVICES)


def test_stand_ins_are_the_images_that_are_named() -> None:
    named = {said["image"] for name, said in SERVICES.items() if name not in OURS}
    named |= {text.split()[0] for text in instructions("FROM")}
    assert set(IMAGES.values()) == named
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (STAND_INS / "Containerfile").read_text(), re.MULTILINE)
    assert stages == list(IMAGES)


def test_every_command_of_the_guide_is_run_where_containers_are() -> None:
    course = (ROOT / "tests" / "containers" / "__main__.py").read_text(encoding="utf-8")
    run = re.findall(r'follow\(engine, guide, "(.+?)"\)', course)
    guide = Guide()
    assert all(guide.under(heading) for heading in run)
    assert guide.left == []


def test_a_machine_without_containers_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match=r"^no containers can be run here; install Docker .* or podman "):
        found_engine(tmp_path)
