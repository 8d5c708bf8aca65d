"""Checks of SQLite files before they are used: a damaged or missing one is reported, not silently recreated."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import quote

from domain.errors import StateError

LOOK_SECONDS: Final = 2.0
"""Time limit of the check: enough for a few gigabytes; only the first part of a larger file is checked."""

_DAMAGED: Final = (11, 26)
"""SQLite's result codes CORRUPT and NOTADB."""

_STEPS: Final = 10_000
"""SQLite instructions between checks of the clock; about a millisecond."""


def is_damage(error: BaseException | None) -> bool:
    """Tell whether an SQLite error says that the file is damaged or not a database."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def expect_sound(file: Path, remedy: str) -> None:
    """Check that an existing database is not damaged.

    A file that does not exist or cannot be opened, for example because it is locked, passes.

    Args:
        file: The database file.
        remedy: What the error tells the user to do.

    Raises:
        StateError: If the file is damaged, truncated, or not a database.
    """
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
            end = time.monotonic() + LOOK_SECONDS
            connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
            [(found,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        if not is_damage(error):
            return  # opening the database reports these errors
        found = str(error)
    if found != "ok":
        raise damaged(file, str(found).replace("\n", " "), remedy)


def damaged(file: Path, got: str, remedy: str) -> StateError:
    """Build the error for a damaged database."""
    return StateError(f"the database {file} is damaged", got=got, expected="an intact database", remedy=remedy)


def expect_made(file: Path, remedy: str) -> None:
    """Check that a database has the tables recorded by `note_made`.

    Raises:
        StateError: If the file is missing or empty, or lacks some of the tables.
    """
    note = _note(file)
    if not note.exists():
        return
    expected = set(note.read_text(encoding="utf-8").split())
    if not file.exists():
        raise StateError(f"the database {file} is missing", got="no file", expected="an existing file", remedy=remedy)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.OperationalError:
        return  # opening the database reports these errors
    if missing := sorted(expected - there):
        got = "an empty file" if not there else f"no table {', '.join(missing)}"
        raise StateError(
            f"the database {file} lacks tables it had before", got=got, expected="all its tables", remedy=remedy
        )


def note_made(file: Path, tables: Iterable[str]) -> None:
    """Record next to a database which tables it has, so that `expect_made` notices when they are gone."""
    note, text = _note(file), "\n".join(sorted(tables)) + "\n"
    if note.exists() and note.read_text(encoding="utf-8") == text:
        return
    beside = note.with_name(f"{note.name}.{token_hex(4)}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(note)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.tables")
