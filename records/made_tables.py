"""Notes which tables an SQLite file has, so that a file emptied or removed is not silently created again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from domain.errors import StateError
from domain.sqlite_files import open_existing
from storage.atomic import replace_text


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
        with closing(open_existing(file)) as connection:
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
    replace_text(note, text)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.tables")
