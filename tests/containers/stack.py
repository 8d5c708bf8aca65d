"""The services of deploy/compose.yaml as they run: their containers, their database, and each replica by itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.containers.engine import Engine, until

PROJECT = "nbo-under-test"
LABEL = f"com.docker.compose.project={PROJECT}"
ENTRY = "http://127.0.0.1:8000"
COMPOSE = "docker compose -f deploy/compose.yaml"
ASK = """
import json, os, sys, urllib.error, urllib.request
answers = []
for method, path, content in json.loads(sys.argv[1]):
    body = None if content is None else json.dumps(content).encode()
    headers = {"X-API-Key": os.environ["KEY"], "Content-Type": "application/json"}
    request = urllib.request.Request("http://127.0.0.1:8000" + path, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answers.append(answer.read().decode())
print(json.dumps(answers))
"""
"""What a container runs to ask the replica in it, past the entry."""

END = "import os; os.kill(-1, 9)"
"""What a container runs to end all that runs in it, as a crash would."""

EVENT_LOG = """
import json
from pathlib import Path
from events.log import EventLog
names = EventLog(Path("/srv/nbo/banks/demo/log")).read_types(["app_login"])["event_id"].to_pylist()
print(json.dumps([name for name in names if name.startswith("event-")]))
"""
"""Which of the events that callers told are in the event log; a name for each row."""


@dataclass(frozen=True)
class Stack:
    """The services of one project."""

    engine: Engine

    def of(self, service: str) -> list[str]:
        """Names of a service's containers."""
        return self.engine.containers(PROJECT, service)

    def one(self, service: str) -> str:
        """Name of a service's only container."""
        [name] = self.of(service)
        return name

    def ask(self, replica: str, key: str, requests: Sequence[tuple[str, str, Any]]) -> list[str]:
        """Ask one replica, past the entry; requests are method, path and body."""
        words = ["docker", "exec", "--env", f"KEY={key}", replica, "python", "-c", ASK, json.dumps(requests)]
        answers: list[str] = json.loads(self.engine.shell(shlex.join(words)))
        return answers

    def rows(self, query: str) -> list[list[str]]:
        """Rows of the decision log's database, as text; bytes and lines are no part of the columns asked for."""
        words = ["docker", "exec", self.one("postgres"), "psql", "-U", "nbo", "-d", "nbo", "-AtF", "\t", "-c", query]
        return [line.split("\t") for line in self.engine.shell(shlex.join(words)).splitlines()]

    def event_log(self) -> list[str]:
        """Ids of the callers' events in the event log, one for each row of it."""
        words = ["docker", "exec", self.one("flows"), "python", "-c", EVENT_LOG]
        names: list[str] = json.loads(self.engine.shell(shlex.join(words)))
        return names

    def end(self, replica: str) -> str:
        """End all that runs in a container at once; it is started anew.

        Returns:
            When it was started last, so that the next start can be told from it.
        """
        started = str(self.engine.inspect(replica)["State"]["StartedAt"])
        # the command may be told of the end of the container that it runs in
        self.engine.succeeds(shlex.join(["docker", "exec", replica, "python", "-c", END]))
        return started

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project, each as what removes it."""
        kinds = {
            "docker ps --all --quiet": "docker rm --force",
            "docker volume ls --quiet": "docker volume rm",
            "docker network ls --quiet": "docker network rm",
        }
        label = f"--filter label={LABEL}"
        found = {removing: self.engine.shell(f"{listing} {label}").split() for listing, removing in kinds.items()}
        return [f"{removing} {name}" for removing, names in found.items() for name in names]

    def clear(self) -> None:
        """Remove whatever there is of the project; what others need goes after them."""

        def all_gone() -> bool:
            return not [command for command in self.left() if not self.engine.succeeds(command)]

        until(all_gone, "the containers of this run cannot be removed")
