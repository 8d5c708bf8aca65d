"""Files of the archive: decisions of a month with their charges, sorted by id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import StateError
from records.schema import DECISIONS
from storage.atomic import move, replacing

PENDING: Final = ".pending"
"""Suffix of a file before its transaction, so that readers of `*.parquet` never see a decision twice."""

_ROWS_PER_GROUP: Final = 10_000
_TYPES: Final = {"as_of": pa.int64(), "seed": pa.int64()}
_NUMBERS: Final = ("propensity", "value", "priority", "selection_probability")
SCHEMA: Final = pa.schema(
    [
        (column.name, pa.float64() if column.name in _NUMBERS else _TYPES.get(column.name, pa.string()))
        for column in DECISIONS.columns
        if column.name != "versions"
    ]
    # JSON: versions as in the database, and charges as budget, period, amount
    + [("content", pa.string()), ("charges", pa.string())]
)
COLUMNS: Final = tuple(SCHEMA.names)
LISTED: Final = pa.schema([column for column in SCHEMA if column.name not in {"record", "charges"}])
"""Columns of a list of many decisions; the columns left out are the largest."""


def name_of(month: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Name a file by its decisions: the same decisions give the same name.

    Example:
        >>> name_of("2026-03", [{"decision_id": "d1"}])[:36]
        'year=2026/month=03/decisions-ebae083'
    """
    year, _, number = month.partition("-")
    ids = "".join(sorted(str(row["decision_id"]) for row in rows))
    return f"year={year}/month={number}/decisions-{blake2b(ids.encode(), digest_size=12).hexdigest()}.parquet"


def month_of(as_of: int) -> str:
    """Return the month (UTC) of a moment in microseconds, as 2026-03."""
    return f"{datetime.fromtimestamp(as_of / 1_000_000, UTC):%Y-%m}"


def month_in(name: str) -> str:
    """Read the month in a file's name.

    Example:
        >>> month_in("year=2026/month=03/decisions-ebae083.parquet")
        '2026-03'
    """
    year, month, _ = name.split("/")
    return f"{year.removeprefix('year=')}-{month.removeprefix('month=')}"


def write_pending(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a file durably under its pending name, and read it back to check it.

    Raises:
        StateError: The file differs from what was written, or the disk cannot take it.
    """
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["decision_id"])), SCHEMA)
    file = folder / f"{name}{PENDING}"
    try:
        with replacing(file) as beside:
            # sorted, with small groups: looking for an id reads one group of each file
            pq.write_table(table, beside, compression="zstd", row_group_size=_ROWS_PER_GROUP)
        again = pq.ParquetFile(file).read()
    except OSError as error:
        raise StateError(
            "decisions could not be archived; they stay in the database",
            got=error.strerror or str(error),
            remedy=f"free space or give write access to {folder}",
        ) from error
    if not again.equals(table):
        raise StateError(
            "an archive file differs from what was written; its decisions stay in the database",
            got=name,
            remedy="check the disk",
        )


def publish(folder: Path, name: str) -> None:
    """Rename a file after its transaction; do nothing if that was done before a crash."""
    pending = folder / f"{name}{PENDING}"
    if pending.exists():
        move(pending, folder / name)


def place_of(folder: Path, name: str) -> Path:
    """Return the path of a listed file, under its final or its pending name.

    Raises:
        StateError: The file is missing.
    """
    for place in (folder / name, folder / f"{name}{PENDING}"):
        if place.exists():
            return place
    raise StateError(
        "an archive file is missing", got=name, expected=f"it below {folder}", remedy="restore it from a backup"
    )


def charges_text(charges: Sequence[Sequence[Any]]) -> str | None:
    """Return a decision's charges as JSON; None if it has none."""
    return json.dumps(sorted(map(list, charges))) if charges else None
