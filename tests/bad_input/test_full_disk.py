"""A full disk is told as such, whoever noticed it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from nbo.scarce import full_disk, unwritable


def test_a_database_that_cannot_grow_is_a_full_disk_even_behind_another_error(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "small.db")
    database.execute("CREATE TABLE rows (content TEXT)")
    database.execute("PRAGMA max_page_count = 2")
    try:
        database.execute("INSERT INTO rows VALUES (?)", ("x" * 100_000,))
    except sqlite3.OperationalError as cause:
        outer = RuntimeError("the server did not start")
        outer.__cause__ = cause
    finally:
        database.close()
    told = full_disk(outer, tmp_path)
    assert told is not None
    assert "database or disk is full" in str(told)


def test_a_quota_is_a_full_disk(tmp_path: Path) -> None:
    assert full_disk(OSError(errno.EDQUOT, "Disk quota exceeded"), tmp_path / "not" / "there") is not None


def test_another_error_on_a_disk_with_space_is_none(tmp_path: Path) -> None:
    assert full_disk(PermissionError(errno.EACCES, "Permission denied"), tmp_path / "not" / "there") is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_file_of_the_state_that_may_not_be_written_is_told_with_its_path(tmp_path: Path, number: int) -> None:
    home = tmp_path / "home"
    outer = RuntimeError("the flow did not start")
    outer.__cause__ = OSError(number, os.strerror(number), str(home / "prefect" / "starting.lock"))
    told = unwritable(outer, home)
    assert told is not None
    assert f"{os.strerror(number)}: {home / 'prefect' / 'starting.lock'}" in str(told)


def test_files_elsewhere_and_errors_without_a_file_are_no_matter_of_the_state(tmp_path: Path) -> None:
    for error in (PermissionError(errno.EACCES, "no", "/etc/shadow"), PermissionError(errno.EACCES, "no"), OSError()):
        assert unwritable(error, tmp_path) is None
