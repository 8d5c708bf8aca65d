"""A full disk is told as such, whoever noticed it."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from nbo.scarce import full_disk


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
