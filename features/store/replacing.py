"""Replace files atomically: a file is complete or absent, even with concurrent writers."""

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
    """Yield a temporary path beside a file; if the block succeeds, make it durable and move it into place in one step.

    Concurrent writers of the same file, as when a cluster wrongly takes a machine for dead, each have their own
    temporary file; the later one wins.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "new" / "a.txt") as beside:
        ...         _ = beside.write_text("whole")
        ...     [file.name for file in (Path(folder) / "new").iterdir()]
        ['a.txt']
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # readers of the whole folder ignore names that begin with a dot
    beside = file.with_name(f".{file.name}.{uuid4().hex}{UNFINISHED}")
    with present(beside):
        try:
            yield beside
            sync(beside)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


def replace_parquet(file: Path, table: pa.Table, compression: str = "zstd") -> None:
    """Write a table to a temporary file, make it durable, and move it into place in one step."""
    # numbers compress as well without a dictionary, and hundreds of columns take two thirds of the time
    texts = [column.name for column in table.schema if pa.types.is_string(column.type)]
    with replacing(file) as beside:
        pq.write_table(
            table,
            beside,
            compression=compression,
            # zstd's fastest level: as fast as snappy here, and a third smaller
            compression_level=1 if compression == "zstd" else None,
            use_dictionary=texts,
            # nobody uses statistics of packed bytes, and comparing megabytes takes longer than writing them
            write_statistics=[column.name for column in table.schema if not pa.types.is_large_binary(column.type)],
        )


def remove_unfinished(folder: Path) -> None:
    """Remove files that crashed writers left behind, also in subfolders; active writers are not affected.

    An incomplete file may contain customer ids, and nothing else would ever find it.
    """
    for beside in folder.rglob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError):  # finished, or removed by another, meanwhile
            remove_abandoned(beside)
