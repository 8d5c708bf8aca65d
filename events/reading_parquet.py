"""Reads Parquet files as chunks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from events.chunks import Chunk, columns_among
from events.columns import columns_of
from events.source_files import SourceFile

_ROWS_PER_CHUNK = 200_000


def read_parquet(file: SourceFile) -> Iterator[Chunk]:
    """Read a Parquet file; its types are kept."""
    done = 0
    for number, path in enumerate(parts := file.parts, start=1):
        with pq.ParquetFile(path) as parquet:
            file.require_columns(columns_of(file.source), parquet.schema_arrow.names)
            total, before = max(parquet.metadata.num_rows, 1), done
            for batch in parquet.iter_batches(batch_size=_ROWS_PER_CHUNK, use_threads=False):
                table = pa.Table.from_batches([batch])
                numbers = np.arange(done + 1, done + len(batch) + 1)
                done += len(batch)
                share = (number - 1 + (done - before) / total) / len(parts)
                yield Chunk(
                    table=table,
                    numbers=numbers,
                    raw=partial(_row, table),
                    as_read=partial(columns_among, table),
                    bytes_done=int(file.size_bytes * share),
                )


def _row(table: pa.Table, position: int) -> object:
    return table.slice(position, 1).to_pylist()[0]
