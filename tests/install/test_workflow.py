from __future__ import annotations

import re
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from install.preflight import supported_pythons

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*"))


def workflow(file: Path = ROOT / ".github" / "workflows" / "checks.yaml") -> dict[str, Any]:
    return dict(YAML(typ="safe").load(file.read_text(encoding="utf-8")))


def machines_and_pythons() -> set[tuple[str, str]]:
    matrix = workflow()["jobs"]["test"]["strategy"]["matrix"]
    return {*product(matrix["machine"], matrix["python"]), *((i["machine"], i["python"]) for i in matrix["include"])}


def test_every_python_that_is_declared_is_tested_and_no_other() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        classifiers = tomllib.load(file)["project"]["classifiers"]
    declared = {line.rpartition(" :: ")[2] for line in classifiers if re.search(r"Python :: 3\.\d+$", line)}
    first, beyond = supported_pythons()
    assert declared == {f"3.{minor}" for minor in range(first[1], beyond[1])}
    assert {python for machine, python in machines_and_pythons() if machine == "ubuntu-24.04"} == declared
    assert {python for _, python in machines_and_pythons()} == declared


def test_linux_and_macos_are_tested_on_both_processors() -> None:
    assert {machine for machine, _ in machines_and_pythons()} == {
        "ubuntu-24.04",
        "ubuntu-24.04-arm",
        "macos-15",
        "macos-15-intel",
    }


def test_the_two_commands_are_run_as_the_readme_has_them() -> None:
    jobs = workflow()["jobs"]
    for name in ("test", "demo"):
        assert any(step.get("run", "").startswith(f"make {name}") for step in jobs[name]["steps"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(file: Path) -> None:
    used = [line.split("uses:")[1].strip() for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_knows_no_secret_and_may_only_read(file: Path) -> None:
    assert "secrets" not in file.read_text(encoding="utf-8")
    assert workflow(file)["permissions"] == {"contents": "read"}
    steps = [step for job in workflow(file)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)
    assert all("timeout-minutes" in job for job in workflow(file)["jobs"].values())
