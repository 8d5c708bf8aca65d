"""Parquet files that are whole or not there, whoever else writes them at the same time."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from events.durable import sync

UNFINISHED = ".unfinished"


def replace_parquet(file: Path, table: pa.Table, compression: str = "zstd") -> None:
    """Write a table beside its place, make it durable, and move it there in one step.

    Two who write the same file, as when a cluster takes a machine for dead that is not, each write their own beside
    it; the later one stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.stem}.{uuid4().hex}{UNFINISHED}")
    try:
        # zstd at its quickest level: as fast as snappy here, and a third smaller
        level = 1 if compression == "zstd" else None
        # numbers compress as well without a dictionary, and hundreds of columns are written in two thirds of the time
        texts = [column.name for column in table.schema if pa.types.is_string(column.type)]
        pq.write_table(
            table,
            beside,
            compression=compression,
            compression_level=level,
            use_dictionary=texts,
            # nobody asks for the least of packed bytes, and comparing megabytes takes longer than writing them
            write_statistics=[column.name for column in table.schema if not pa.types.is_large_binary(column.type)],
        )
        sync(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what crashes left behind; nobody may be writing."""
    for beside in folder.glob(f"*{UNFINISHED}"):
        beside.unlink()
