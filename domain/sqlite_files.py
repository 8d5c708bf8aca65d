"""Checks of SQLite files before they are used: a damaged or missing one is reported, not silently recreated."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from domain.errors import StateError

LOOK_SECONDS: Final = 2.0
"""Time limit of the check: enough for a few gigabytes; only the first part of a larger file is checked."""

_DAMAGED: Final = (11, 26)
"""SQLite's result codes CORRUPT and NOTADB."""

_STEPS: Final = 10_000
"""SQLite instructions between checks of the clock; about a millisecond."""


def open_existing(file: Path) -> sqlite3.Connection:
    """Open a database without creating it; the caller closes the connection."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)


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
        with closing(open_existing(file)) as connection:
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
