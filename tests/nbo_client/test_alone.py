"""The client in a bank's own application: the folder is copied, httpx is there, and nothing else of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import nbo_client

OURS = Path(nbo_client.__file__).parent
APPLICATION = """
import sys
sys.path[1:1] = [{folder!r}]
sys.path.append({packages!r})  # without the .pth files in it, and so without the other rooms
import domain
import nbo_client.asynchronous, nbo_client.webhooks
from nbo_client.client import NboClient
from nbo_client.messages import Event, Question
from nbo_client.problems import ServiceUnreachableError
from nbo_client.retrying import Retries
with NboClient("nowhere", key="k", retries=Retries(attempts=1)) as client:
    try:
        client.decide(Question(customer_id="c1", channel="app"))
    except ServiceUnreachableError as error:
        print(error)
print(domain.WHOSE)
"""


def run_application(folder: Path) -> None:
    (folder / "domain.py").write_text('WHOSE = "the domain is the application\'s"\n')
    code = APPLICATION.format(folder=str(folder), packages=sysconfig.get_path("purelib"))
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    said = ended.stdout.splitlines()
    assert said[0].startswith("the service does not answer: got UnsupportedProtocol at attempt 1")
    assert said[1] == "the domain is the application's"


def test_the_folder_works_where_there_is_only_httpx_and_the_application_has_names_like_ours(tmp_path: Path) -> None:
    shutil.copytree(OURS, tmp_path / OURS.name, ignore=shutil.ignore_patterns("__pycache__"))
    run_application(tmp_path)


def test_the_folder_installs_as_a_package_with_its_types(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(OURS, project, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    assert (tmp_path / "installed" / "nbo_client" / "py.typed").exists()
    run_application(tmp_path / "installed")


def test_the_package_and_the_project_have_one_version() -> None:
    versions = [
        tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"] for folder in (OURS, OURS.parent)
    ]
    assert versions[0] == versions[1]
