"""Builds and runs deploy/ as docs/guides/deploy.md says, and looks whether it holds: `make test-containers`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from serving.api.security import new_key
from tests.containers import checks, entry, retries
from tests.containers.engine import Engine, FailedError, MissingError, expect, found_engine, podman_settings, until
from tests.containers.guide import Guide
from tests.containers.load import Load
from tests.containers.reckoning import kept_decisions, reckon
from tests.containers.stack import ENTRY, PROJECT, Stack
from tests.containers.stand_ins import make_stand_ins
from tests.docs.pages import ROOT

IMAGE = "nbo"
REPLICAS = 2
ANSWERS_BETWEEN = 300
"""Questions and events that are answered before, between and after what is done to the containers."""

LINES_OF_EACH = 15
"""Of what a container said last, where something failed."""


def main() -> int:
    """Run it all, and remove what it made."""
    with tempfile.TemporaryDirectory(prefix="nbo-containers-") as folder:
        try:
            engine = prepared(Path(folder))
            with removed_at_the_end(Stack(engine)):
                run(engine)
        except (MissingError, FailedError) as error:
            print(f"\n{error}", file=sys.stderr)
            return 1
    print("passed: nothing was lost, nothing is there twice, nothing is left")
    return 0


def prepared(folder: Path) -> Engine:
    """Find the engine, make what it needs, and let it work on a copy of the repository."""
    engine = found_engine(folder)
    settings = podman_settings(folder) if engine.name == "podman" else {}
    engine = replace(engine, environment={**settings, "COMPOSE_PROJECT_NAME": PROJECT})
    if os.environ.get("STAND_INS"):
        with step("stand-ins made of Debian's packages"):
            print("   ", ", ".join(make_stand_ins(engine, folder)) or "all there")
    copy = folder / "nbo"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return replace(engine, folder=copy)


@contextmanager
def removed_at_the_end(stack: Stack) -> Iterator[None]:
    """Remove what this run makes, and what one before it left; an image of the same name that was there comes back."""
    engine = stack.engine
    stack.clear()
    before = engine.image_id(IMAGE)
    try:
        yield
    except FailedError:
        for name in engine.containers(PROJECT):
            # one may go while they are listed, and the failure is what matters
            said = engine.shell(f"echo {name}: && docker logs --tail {LINES_OF_EACH} {name} 2>&1 || true")
            print(said, file=sys.stderr)
        raise
    finally:
        stack.clear()
        made = engine.image_id(IMAGE)
        if before is not None:
            engine.shell(f"docker tag {before} {IMAGE}")
        if made not in {None, before}:
            engine.shell(f"docker rmi {made}")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    print(f"{what} ...", flush=True)
    begun = time.monotonic()
    yield
    print(f"    {time.monotonic() - begun:.0f} s", flush=True)


def run(engine: Engine) -> None:
    """Follow the guide, and look at what it promises."""
    guide, stack = Guide(), Stack(engine)
    with step("a request is told to a second replica only where that is safe"):
        print(f"    {retries.told_twice_only_where_safe(engine)} kinds of requests")
    with step("the image is built"):
        follow(engine, guide, "The image")
        print(f"    {engine.inspect(IMAGE)['Size'] / 1e9:.2f} GB")
    with step("passwords and keys are made"):
        told = follow(engine, guide, "What must be set")
        secrets = secrets_of(engine, told)
        admin = add_admin(engine)
    with step("the loop runs for the first time, and everything starts"):
        follow(engine, guide, "The first time")
        for service in ("service", "mlflow", "prefect", "postgres", "redis"):
            for name in stack.of(service):
                engine.healthy(name)
        expect(fact=len(stack.of("service")) == REPLICAS, otherwise=f"replicas: {stack.of('service')}")
    with step("pages are there, nobody may do more than has to be, and no secret is told"):
        checks.pages_are_there()
        checks.locked_down(stack)
        checks.no_secret_is_told(stack, secrets)
    with step("limits of the entry"):
        entry.limits(admin)
        entry.refuses_others_without_tls(stack)
    with step("the replicas answer alike"):
        print(f"    {checks.alike(stack, admin)} answers compared")
    under_load(stack, guide, Load(ENTRY, secrets["the key"]), admin)
    with step("the entry speaks TLS"):
        certificate = engine.folder / "deploy" / "certificate.pem"
        entry.make_certificate(certificate)
        follow(engine, guide, "TLS")
        entry.answers_encrypted(certificate)
    checks.no_secret_is_told(stack, secrets)
    with step("all of it is removed"):
        follow(engine, guide, "Removing it")
        expect(fact=not stack.left(), otherwise=f"left: {stack.left()}")
    expect(fact=not guide.left, otherwise=f"commands of the guide that were not run: {guide.left}")


def under_load(stack: Stack, guide: Guide, load: Load, admin: str) -> None:
    """Decide and take events while a replica dies, the database starts anew, and replicas come and go."""
    engine, before = stack.engine, kept_decisions(stack)
    with step("decisions and events while parts end and start"), load.running():
        wait_for_answers(load)
        replica = stack.of("service")[0]
        started = stack.end(replica)
        wait_for_answers(load)
        until(lambda: engine.inspect(replica)["State"]["StartedAt"] != started, f"{replica} is not started anew")
        engine.healthy(replica)
        print(f"    {replica} was killed and is back: {load.answered} answers so far", flush=True)
        database = stack.one("postgres")
        engine.shell(f"docker kill {database}")
        engine.shell(f"docker start {database}")
        wait_for_answers(load)
        print(f"    {database} was killed and is back: {load.answered} answers so far", flush=True)
        follow(engine, guide, "More replicas")
        replicas = stack.of("service")
        expect(fact=len(replicas) == 2 * REPLICAS, otherwise=f"replicas: {replicas}")
        for name in replicas:
            engine.healthy(name)
        wait_for_answers(load)
        print(f"    decisions of each: {checks.balanced(stack, admin)}", flush=True)
        for name in replicas[:REPLICAS]:
            engine.shell(f"docker stop {name} && docker rm {name}")
        wait_for_answers(load)
        print(f"    the first {REPLICAS} replicas were stopped: {load.answered} answers so far", flush=True)
    for line in load.lines():
        print(f"    {line}")
    expect(fact=not load.unanswered, otherwise=f"never answered: {load.unanswered}")
    with step("what was acknowledged is compared with the database and the event log"):
        reckoning = reckon(stack, load, before)
        for what, count in vars(reckoning).items():
            print(f"    {what.replace('_', ' ')}: {count}")
        expect(fact=reckoning.right, otherwise="not everything is there once")


def follow(engine: Engine, guide: Guide, heading: str) -> str:
    """Run what stands under a heading, word for word.

    Returns:
        What the commands said on both channels.
    """
    return "".join(engine.shell(f"{{\n{block}\n}} 2>&1") for block in guide.under(heading))


def secrets_of(engine: Engine, told: str) -> dict[str, str]:
    """The passwords that the guide's commands made, and the key that they printed."""
    lines = (engine.folder / "deploy" / ".env").read_text(encoding="utf-8").split()
    found = re.search(r"^key, for the caller: (\S+)$", told, re.MULTILINE)
    expect(fact=found is not None, otherwise=f"no key was printed: {told}")
    assert found is not None
    return {**dict(line.split("=", 1) for line in lines), "the key": found[1]}


def add_admin(engine: Engine) -> str:
    """Add a caller of our own, who may look at everything; returns the key."""
    file = engine.folder / "deploy" / "api_keys.json"
    key, made = new_key("checks", ["admin"], None)
    file.write_text(json.dumps([*json.loads(file.read_text(encoding="utf-8")), made]), encoding="utf-8")
    return key


def wait_for_answers(load: Load) -> None:
    """Wait until callers have got so many answers more."""
    wanted = load.answered + ANSWERS_BETWEEN
    until(lambda: load.answered >= wanted, "the callers are not answered any more")


if __name__ == "__main__":
    sys.exit(main())
