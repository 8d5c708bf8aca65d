"""Write tables as files, with invalid rows as every real bank has them; the same rows give the same bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulation.clock import SimulatedClock
from simulation.delivery import SourceFiles

DIRTY_ROWS = {
    "touchpoints": ("unknown type", "missing customer", "time in the future"),
    "core_banking": ("missing customer",),
}
"""Invalid rows planted in each source."""
ROWS_OF_EACH = 3
LEAST_ROWS = 20
"""A source with fewer rows is left clean."""
REDELIVERED_ROWS = 40
"""Rows of the second month's touchpoints that are delivered again, in a separate file."""


def spoil(source: str, delivery: SourceFiles) -> tuple[SourceFiles, dict[str, int]]:
    """Add invalid copies of rows, with ids of their own, to a source; return their number by reason."""
    table = delivery.table
    planted: dict[str, int] = {}
    days = delivery.days
    identity = table.column_names[0]
    if len(table) < LEAST_ROWS:
        return delivery, planted
    for number, reason in enumerate(DIRTY_ROWS.get(source, ())):
        places = np.linspace(0.2, 0.8, ROWS_OF_EACH) * (len(delivery.days) - 1)
        rows = delivery.table.take(pa.array(places.astype(np.int64) + number))
        ids = pa.array([f"X{number}{row:07d}" for row in range(ROWS_OF_EACH)])
        rows = _with(rows, identity, ids)
        column, value = {
            "unknown type": ("event", "fax_received"),
            "missing customer": (table.column_names[1], None),
            "time in the future": ("time", "2099-01-01T00:00:00"),
        }[reason]
        rows = _with(rows, column, pa.array([value] * ROWS_OF_EACH, pa.string()))
        table = pa.concat_tables([table, rows])
        days = np.concatenate([days, delivery.days[places.astype(np.int64) + number]])
        planted[f"{source}: {reason}"] = ROWS_OF_EACH
    order = np.argsort(days, kind="stable")
    return replace(delivery, table=table.take(pa.array(order)), days=days[order]), planted


def redelivery(month: pa.Table) -> pa.Table:
    """Return the first rows of a month, to be delivered again."""
    return month.slice(0, min(REDELIVERED_ROWS, len(month)))


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


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


def months(delivery: SourceFiles, clock: SimulatedClock) -> Iterator[tuple[str, pa.Table]]:
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
