"""What the guide puts on a cluster's machines is what our code imports there: nothing lacks, nothing is too much."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, requires

import grimp

from tests.docs.pages import ROOT
from tests.pipelines.spark_cluster import PACKAGES, ROOMS

WORK = ("features.bucket.build", "serving.batch.bucket", "pipelines.journey_files", "features.point_in_time")
"""Modules with the work that engines have done elsewhere."""


@cache
def graph() -> grimp.ImportGraph:
    """Who imports what, wherever in a file; what only type checkers read is left out."""
    linted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rooms = linted["root_packages"]
    return grimp.build_graph(*rooms, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


def imported(*modules: str) -> tuple[set[str], set[str]]:
    """Our rooms, and the packages of others, that modules import, directly and through ours."""
    found = {name for module in modules for name in {module, *graph().find_upstream_modules(module)}}
    others = {name for name in found if graph().is_module_squashed(name)}
    names = {name.partition(".")[0] for name in others} - sys.stdlib_module_names
    installed = packages_distributions()
    return {name.partition(".")[0] for name in found - others}, {one for name in names for one in installed[name]}


def brought_by(package: str) -> set[str]:
    """What a package cannot be without."""
    needed = [line for line in requires(package) or () if "extra ==" not in line]
    return {re.split(r"[^\w.-]", line)[0] for line in needed}


def test_the_packages_of_the_guide_are_those_that_our_work_imports_and_what_these_bring() -> None:
    _, packages = imported(*WORK)
    assert "orjson" in packages
    whole = packages | {more for package in packages for more in brought_by(package)}
    assert whole == {more for package in whole for more in brought_by(package)} | whole
    assert sorted(PACKAGES) == sorted(whole)


def test_features_need_what_the_guide_says() -> None:
    _, packages = imported("features.bucket.build", "features.point_in_time")
    [said] = re.findall(r"Features need only (.*?)\. ", (ROOT / "docs" / "guides" / "cluster.md").read_text())
    assert set(re.findall(r"`(\w+)`", said)) == packages


def test_the_rooms_of_the_guide_are_those_that_our_work_imports() -> None:
    rooms, _ = imported(*WORK)
    assert sorted(ROOMS) == sorted(rooms)
