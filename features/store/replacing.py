"""Parquet files that are whole or not there, whoever else writes them at the same time."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from events.durable import sync

UNFINISHED = ".unfinished"


def replace_parquet(file: Path, table: pa.Table) -> None:
    """Write a table beside its place, make it durable, and move it there in one step.

    Two who write the same file, as when a cluster takes a machine for dead that is not, each write their own beside
    it; the later one stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.stem}.{uuid4().hex}{UNFINISHED}")
    try:
        # zstd at its quickest level: as fast as snappy here, and a third smaller
        pq.write_table(table, beside, compression="zstd", compression_level=1)
        sync(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what crashes left behind; nobody may be writing."""
    for beside in folder.glob(f"*{UNFINISHED}"):
        beside.unlink()
