"""Files that are whole or not there, whoever else writes them at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from events.durable import sync
from events.lock import present, remove_abandoned

UNFINISHED = ".unfinished"


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a place beside a file to write to; where the block ends well, make it durable and move it there in one step.

    Two who write the same file, as when a cluster takes a machine for dead that is not, each write their own beside
    it; the later one stays.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "new" / "a.txt") as beside:
        ...         _ = beside.write_text("whole")
        ...     [file.name for file in (Path(folder) / "new").iterdir()]
        ['a.txt']
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # who reads the whole folder looks past names that begin with a dot
    beside = file.with_name(f".{file.name}.{uuid4().hex}{UNFINISHED}")
    with present(beside):
        try:
            yield beside
            sync(beside)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


def replace_parquet(file: Path, table: pa.Table, compression: str = "zstd") -> None:
    """Write a table beside its place, make it durable, and move it there in one step."""
    # numbers compress as well without a dictionary, and hundreds of columns are written in two thirds of the time
    texts = [column.name for column in table.schema if pa.types.is_string(column.type)]
    with replacing(file) as beside:
        pq.write_table(
            table,
            beside,
            compression=compression,
            # zstd at its quickest level: as fast as snappy here, and a third smaller
            compression_level=1 if compression == "zstd" else None,
            use_dictionary=texts,
            # nobody asks for the least of packed bytes, and comparing megabytes takes longer than writing them
            write_statistics=[column.name for column in table.schema if not pa.types.is_large_binary(column.type)],
        )


def remove_unfinished(folder: Path) -> None:
    """Remove what those who died while they wrote left behind, in folders below too; who is writing goes on.

    A half of a file may name customers, and nothing else would ever look at it.
    """
    for beside in folder.rglob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError):  # finished, or removed by another, meanwhile
            remove_abandoned(beside)
