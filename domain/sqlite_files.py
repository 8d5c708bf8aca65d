"""Looking at a database of SQLite before it is used: one that is damaged or gone is told, not made anew."""

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
"""For which it is looked through: some gigabytes; of a larger one the first part."""

_DAMAGED: Final = (11, 26)
"""SQLite's CORRUPT and NOTADB."""

_STEPS: Final = 10_000
"""Between looks at the clock; a millisecond."""


def is_damage(error: BaseException | None) -> bool:
    """Tell whether an error of SQLite says that the file is damaged, or none of its own."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def expect_sound(file: Path, remedy: str) -> None:
    """See that a database that is there is whole; one that is not there, or held by somebody, is none's fault.

    Args:
        file: Of the database.
        remedy: What to do where it is damaged.

    Raises:
        StateError: It is damaged, cut off, or none.
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
            return  # whoever opens it says why it cannot be
        found = str(error)
    if found != "ok":
        raise damaged(file, str(found).replace("\n", " "), remedy)


def damaged(file: Path, got: str, remedy: str) -> StateError:
    """Say that a database is damaged."""
    return StateError(f"the database {file} is damaged", got=got, expected="as it was written", remedy=remedy)


def expect_made(file: Path, remedy: str) -> None:
    """See that a database has the tables that `note_made` has noted.

    Raises:
        StateError: It is gone, empty, or lacks some.
    """
    note = _note(file)
    if not note.exists():
        return
    expected = set(note.read_text(encoding="utf-8").split())
    if not file.exists():
        raise StateError(f"the database {file} is gone", got="no file", expected="what was kept in it", remedy=remedy)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.OperationalError:
        return  # whoever opens it says why it cannot be
    if missing := sorted(expected - there):
        got = "an empty file" if not there else f"no table {', '.join(missing)}"
        raise StateError(
            f"the database {file} lacks what was kept in it", got=got, expected="all its tables", remedy=remedy
        )


def note_made(file: Path, tables: Iterable[str]) -> None:
    """Note beside a database which tables it has, so that it is missed when it is gone."""
    note, text = _note(file), "\n".join(sorted(tables)) + "\n"
    if note.exists() and note.read_text(encoding="utf-8") == text:
        return
    beside = note.with_name(f"{note.name}.{token_hex(4)}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(note)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.tables")
