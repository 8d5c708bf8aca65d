"""Addresses of files that follow the store's folder: MLflow keeps where they were when they were written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from domain.errors import StateError
from models.tracking.database import reading

_ADDRESSES: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's database with addresses of files."""

_PATIENCE: Final = 30.0
"""Seconds to wait for another process that writes."""


def follow_folder(file: Path, artifacts: Path) -> None:
    """Give the addresses of a store's files their present folder.

    A home that is copied, renamed, or restored elsewhere would keep its models where nobody finds them, and write
    new ones to the old place. A folder counts as left behind if it is gone, or if the database has moved with the
    files, which it has if it lies beside them.

    Args:
        file: MLflow's SQLite database.
        artifacts: Folder of the experiments' files.

    Raises:
        StateError: The database cannot be read, or not be changed where it has to be.
    """
    here, beside = artifacts.resolve().as_uri(), file.parent.resolve() == artifacts.resolve().parent
    with reading(file) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "experiments" not in tables:  # not made yet
            return
        locations = [location or "" for (location,) in database.execute("SELECT artifact_location FROM experiments")]
    for before in {_folder_of(one) for one in locations if _is_here(one, artifacts) and (beside or _is_gone(one))}:
        if before != here:
            _replace(file, before, here)


def _replace(file: Path, before: str, here: str) -> None:
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE)) as database, database:
            for table, column in _ADDRESSES:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    (here, len(before) + 1, len(before) + 1, f"{before}/"),
                )
    except sqlite3.Error as error:
        raise StateError(
            "the files of runs and models were moved, and their addresses cannot be changed",
            got=str(error),
            expected=f"write access to {file}, made by the version of MLflow that is installed",
            remedy="make it writable, or move everything back",
        ) from error


def _folder_of(location: str) -> str:
    return location.rpartition("/")[0]


def _is_here(location: str, artifacts: Path) -> bool:
    """Whether an experiment's files are, or would be, in a folder of its name below `artifacts`."""
    name = unquote(location.rpartition("/")[2])
    return urlparse(location).scheme == "file" and (artifacts / name).is_dir()


def _is_gone(location: str) -> bool:
    return not Path(unquote(urlparse(location).path)).exists()
