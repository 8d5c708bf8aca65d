"""Opening a database of an earlier version: its tables are expected to be there and brought into today's form."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select, update

from domain.errors import StateError
from domain.sqlite_files import open_existing
from records.schema import AUDIT, ERASED, NAMED
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


_PLAIN: Final = "sha256:"
_AFTER: Final = "sha256;"
"""The next text after all with that prefix, so that an index finds them; it costs nothing where there are none."""


def adopt_erasures(connection: Connection, hashed: Callable[[str], str]) -> int:
    """Convert erasures from audits that named customers by plain hashes, which can be guessed by trial.

    Args:
        connection: In the transaction that creates missing tables.
        hashed: Salts a plain hash, hexadecimal.

    Returns:
        Number of converted lines of the audit.
    """
    plain = (AUDIT.c.subject >= _PLAIN) & (AUDIT.c.subject < _AFTER)
    lines = connection.execute(select(AUDIT.c.subject, AUDIT.c.act, AUDIT.c.at).where(plain)).all()
    erased: dict[str, int] = {}
    for subject, act, at in lines:
        if act == "erase a customer":
            erased[subject] = max(at, erased.get(subject, at))
    number: int = connection.execute(select(func.coalesce(func.max(ERASED.c.number), 0))).scalar_one()
    for subject in sorted({line.subject for line in lines}):
        name = hashed(subject.removeprefix(_PLAIN))
        connection.execute(update(AUDIT).where(AUDIT.c.subject == subject).values(subject=f"{NAMED}{name}"))
        known = select(ERASED.c.customer).where(ERASED.c.customer == name)
        if subject in erased and connection.execute(known).first() is None:
            number += 1
            connection.execute(ERASED.insert(), {"customer": name, "erased_at": erased[subject], "number": number})
    return len(lines)
