"""MLflow's own database, read without MLflow, which takes longer to import than most answers take."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from domain.errors import StateError

_SQLITE: Final = "sqlite:///"


def database_file(uri: str) -> Path | None:
    """Return the file of a tracking store that is one; None for a server, or a database of another kind.

    Example:
        >>> database_file("sqlite:////srv/nbo/mlflow/mlflow.db"), database_file("https://mlflow.bank.example")
        (PosixPath('/srv/nbo/mlflow/mlflow.db'), None)
    """
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading.

    Raises:
        StateError: It cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
            yield database
    except sqlite3.Error as error:
        raise StateError(
            "the runs and models cannot be read",
            got=str(error),
            expected="MLflow's database",
            remedy="check MLFLOW_TRACKING_URI; after an update of MLflow run `mlflow db upgrade`",
        ) from error
