"""Tables as Parquet files, written atomically."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from storage.atomic import replacing


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
