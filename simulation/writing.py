"""Write tables as files; the same rows give the same bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulation.clock import Clock
from simulation.delivery import Delivery

Writer = Callable[[pa.Table, Path], None]


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet with timestamps in microseconds, which every reader supports."""
    pq.write_table(table, path, compression="zstd", coerce_timestamps="us")


def write_csv(table: pa.Table, path: Path, delimiter: str = ",") -> None:
    """Write CSV with a header."""
    path.write_bytes(_csv(table, delimiter))


def write_csv_gz(table: pa.Table, path: Path) -> None:
    """Write CSV with semicolons, gzip-compressed without a timestamp in the header."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=raw, mtime=0) as file:
        file.write(_csv(table, ";"))


def write_jsonl(table: pa.Table, path: Path) -> None:
    """Write one JSON object per line."""
    columns = table.to_pydict()
    keys = list(columns)
    lines = (
        json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) for row in zip(*columns.values(), strict=True)
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def months(delivery: Delivery, clock: Clock) -> Iterator[tuple[str, pa.Table]]:
    """Split a delivery, which is ordered by day, into calendar months."""
    labels = np.array([(clock.start + timedelta(days=day)).strftime("%Y-%m") for day in range(clock.days)])
    of_row = labels[delivery.days]
    starts = np.flatnonzero(of_row[1:] != of_row[:-1]) + 1
    for start, stop in zip([0, *starts], [*starts, len(of_row)], strict=True):
        if stop > start:
            yield str(of_row[start]), delivery.table.slice(start, stop - start)


def _csv(table: pa.Table, delimiter: str) -> bytes:
    buffer = BytesIO()
    options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style="needed", quoting_header="none")
    pa_csv.write_csv(table, buffer, options)
    return buffer.getvalue()
