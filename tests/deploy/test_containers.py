"""Container and compose file against the program: variables, commands, ports, volumes, and what is copied."""

from __future__ import annotations

import ast
import json
import re
import shlex
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

from config.settings import Settings
from nbo.commands import app
from nbo.worker import GRACE_SECONDS
from tests.docs.pages import ROOT

CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "deploy" / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: said for name, said in SERVICES.items() if said["image"] == "nbo"}
GUIDE = (ROOT / "docs" / "guides" / "deploy.md").read_text(encoding="utf-8")
OF_PYTHON = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
OF_IMAGES = {
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"},
    "redis": {"REDISCLI_AUTH"},
}
ROOMS = [
    "domain", "client", "expressions", "events", "features", "models", "decisioning", "simulation", "config",
    "serving", "wiring", "pipelines", "nbo",
]  # fmt: skip


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
    assert {".env", "deploy/api_keys.json"} <= set((ROOT / ".gitignore").read_text().split())


# MLflow warns of type hints of its own when its command line is imported
@pytest.mark.filterwarnings("ignore::UserWarning:mlflow")
@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_with_its_options(name: str) -> None:
    command = [str(word) for word in OURS[name]["command"]]
    if command[0] == "nbo":
        _understood(command[1:])
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
    _understood(command[1:])
    assert (ROOT / command[2]).is_dir()


def _understood(words: list[str]) -> None:
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
    assert set(published(OURS[name])) == listened
    assert not listened or command[command.index("--host") + 1] == "0.0.0.0"
    asked = re.findall(r"127\.0\.0\.1:(\d+)", json.dumps(OURS[name].get("healthcheck", {})))
    assert set(asked) <= listened


def test_the_health_check_asks_the_port_that_is_exposed() -> None:
    asked = re.findall(r"127\.0\.0\.1:(\d+)/readyz", CONTAINERFILE)
    assert asked == instructions("EXPOSE") == list(published(SERVICES["service"]))
    assert "/readyz" in {route.path for route in _routes()}


def _routes() -> list[Any]:
    from serving.api.health import router

    return list(router.routes)


def test_replicas_have_a_port_each() -> None:
    first, last = re.findall(r"\d+", SERVICES["service"]["ports"][0])[:2]
    assert int(last) - int(first) + 1 == SERVICES["service"]["deploy"]["replicas"]


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
    made = set(re.findall(r"CREATE DATABASE (\w+) OWNER nbo;", (ROOT / "deploy/postgres/databases.sql").read_text()))
    made.add(SERVICES["postgres"]["environment"]["POSTGRES_DB"])
    named = re.findall(r"@postgres:5432/(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(named) == made


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_are_declared_and_folders_exist(name: str) -> None:
    for source, _ in places(SERVICES[name]):
        if source.startswith("$"):
            continue
        if source.startswith("."):
            assert (ROOT / "deploy" / source).is_dir()
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


def test_the_image_holds_the_rooms_and_nothing_else() -> None:
    copied = {text.split()[0] for text in instructions("COPY") if text.split()[0] in ROOMS}
    assert copied == set(ROOMS)
    words = [word for text in instructions("COPY") if "--from" not in text for word in text.split()[:-1]]
    for word in words:
        assert (ROOT / word).exists(), word
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(allowed) == sorted(words)


def test_every_room_of_the_project_is_a_room_of_the_image() -> None:
    declared = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared is not None
    assert set(re.findall(r'"(\w+)"', declared[1])) == set(ROOMS)


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
    names = re.findall(r"^([\w.-]+)==", (ROOT / f"requirements{part}.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_the_guide_names_every_variable_that_people_set() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")))
    assert asked == set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))


def test_the_guide_runs_services_that_there_are() -> None:
    for service in re.findall(r"run --rm (\w+) nbo", GUIDE):
        assert service in OURS
