"""Docker or podman, whichever answers on this machine, and compose for it."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import waiting

SECONDS_TO_COME = 600
ENOUGH = 10_000
"""Open files and processes of one container."""


class MissingError(Exception):
    """Something has to be installed, or done, before this can run."""


class FailedError(Exception):
    """A command did not do what it should."""


def expect(*, fact: bool, otherwise: str) -> None:
    """Fail with a sentence where something that has to be true is not.

    Raises:
        FailedError: With the sentence.
    """
    if not fact:
        raise FailedError(otherwise)


def until(question: Callable[[], bool], otherwise: str) -> None:
    """Wait for something that comes by itself, for as long as containers need.

    Raises:
        FailedError: It does not come in time; with the sentence.
    """
    try:
        waiting.until(question, otherwise, SECONDS_TO_COME)
    except AssertionError as error:
        raise FailedError(otherwise) from error


@dataclass(frozen=True)
class Engine:
    """What runs containers.

    Attributes:
        name: `docker` or `podman`.
        compose: The words that compose is called by.
        folder: Where its commands run: the repository, or a copy of it.
        environment: Of its commands.
    """

    name: str
    compose: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def shell(self, command: str, *, seconds: float = 1800) -> str:
        """Run a command line as people write it; the words `docker` and `docker compose` mean this engine.

        Returns:
            Its standard output.

        Raises:
            FailedError: It did not end with 0, with the last lines of what it said.
        """
        ours = f'if [ "$1" = compose ]; then shift; {shlex.join(self.compose)} "$@"; else command {self.name} "$@"; fi'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"docker() {{ {ours}; }}\n{command}"],
            cwd=self.folder, env={**_of_nobody(), **self.environment}, stdin=subprocess.DEVNULL, text=True,
            capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise FailedError("\n    ".join([f"`{command.strip()}` ended with {done.returncode}", *said[-30:]]))
        return done.stdout

    def succeeds(self, command: str) -> bool:
        """Whether a command ends with 0."""
        try:
            self.shell(command)
        except FailedError:
            return False
        return True

    def containers(self, project: str, service: str | None = None) -> list[str]:
        """Names of a project's containers that run, by number; of one service, or all."""
        wanted = [f"label=com.docker.compose.project={project}"]
        wanted += [f"label=com.docker.compose.service={service}"] if service else []
        filters = " ".join(f"--filter {shlex.quote(one)}" for one in wanted)
        return sorted(self.shell(f"docker ps {filters} --format '{{{{.Names}}}}'").split())

    def image_id(self, name: str) -> str | None:
        """Id of the image of this name; None where there is none."""
        found = self.shell(f"docker images --quiet --no-trunc {name}:latest").split()
        return found[0] if found else None

    def inspect(self, name: str) -> dict[str, Any]:
        """All that the engine knows of a container or image."""
        [found] = json.loads(self.shell(f"docker inspect {name}"))
        known: dict[str, Any] = found
        return known

    def healthy(self, name: str) -> None:
        """Wait until a container's own health check passes.

        Podman leaves the asking to systemd's timers, which a machine need not have: there the check is run from here.

        Raises:
            FailedError: It does not in time.
        """
        until(lambda: self._is_healthy(name), f"{name} does not become healthy: `docker logs {name}` said why")

    def _is_healthy(self, name: str) -> bool:
        if self.name == "podman":
            return self.succeeds(f"docker healthcheck run {name}")
        health: Any = self.inspect(name)["State"].get("Health", {})
        return bool(health.get("Status") == "healthy")


def _of_nobody() -> dict[str, str]:
    """The environment without the user's own settings of a deployment, which come before those of a file."""
    theirs = ("NBO_", "POSTGRES_", "REDIS_", "COMPOSE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


def found_engine(folder: Path) -> Engine:
    """Find docker or podman, whichever answers, with compose.

    Raises:
        MissingError: Neither does, or there is no compose for it.
    """
    for name, calls in (("docker", ["docker", "compose"]), ("podman", _podman_compose())):
        if shutil.which(name) and _answers(name, "info"):
            if calls is None or not _answers(*calls, "version"):
                package = (
                    "the Docker Compose plugin" if name == "docker" else "podman-compose (`pip install podman-compose`)"
                )
                raise MissingError(f"{name} is here without compose; install {package}")
            return Engine(name, tuple(calls), folder)
    raise MissingError(
        "no containers can be run here; install Docker with its Compose plugin and start it, "
        "or podman and podman-compose (`apt install podman`, `pip install podman-compose`)"
    )


def _podman_compose() -> list[str] | None:
    beside = Path(sys.executable).with_name("podman-compose")
    found = str(beside) if beside.exists() else shutil.which("podman-compose")
    return None if found is None else [found]


def _answers(*command: str) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, check=False).returncode == 0


def podman_settings(folder: Path) -> dict[str, str]:
    """Settings of podman for machines that give it less than it asks for; nothing where the user has some.

    By default it asks for a million open files, which a machine that is a container itself may not give, and for
    crun, which refuses cgroups of both versions at once.
    """
    if "CONTAINERS_CONF" in os.environ:
        return {}
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    allowed = {name: resource.getrlimit(kind)[1] for name, kind in kinds.items()}
    enough = {name: min(most, ENOUGH) if most >= 0 else ENOUGH for name, most in allowed.items()}  # -1 is no limit
    lines = [
        "[containers]",
        f"default_ulimits = {json.dumps([f'{name}={most}:{most}' for name, most in enough.items()])}",
    ]
    if shutil.which("runc") and not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        lines += ["[engine]", 'runtime = "runc"']
    file = folder / "containers.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"CONTAINERS_CONF": str(file)}
