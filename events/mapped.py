"""A second, uncompressed copy of each segment: its columns are memory-mapped, so that reading a few rows is cheap.

Reading one day of a year from Parquet means decoding the year. Here only the column that selects rows is read, and
then the selected rows. A mapped file belongs to the segment of its name, and is written and removed with it. A segment
without one, from a log written before they existed, is read from Parquet.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.damage import DamagedError
from events.schema import SCHEMA, one_chunk
from events.segments import read_segment

COLUMNS = tuple(name for name in SCHEMA.names if name != "event_id")
"""Ids are left out: they are long, and no computation uses them."""

Choice = Callable[[pa.Table], NDArray[np.bool_]]
"""Returns which rows of a segment are wanted."""


def mapped_file(segment: Path) -> Path:
    """Return the path of a segment's mapped file."""
    return segment.with_suffix(".arrow")


def write_mapped(segment: Path, table: pa.Table) -> None:
    """Write the mapped file of a segment, given the segment's table."""
    customers = one_chunk(table.column("customer_id")).dictionary_encode()
    plain = table.select(COLUMNS).set_column(COLUMNS.index("customer_id"), "customer_id", customers)
    with pa.OSFile(str(mapped_file(segment)), "wb") as sink, pa.ipc.new_file(sink, plain.schema) as writer:
        writer.write_table(plain)


def read_rows(segment: Path, choice: Choice) -> pa.Table:
    """Read the chosen rows of a segment, in its order; customer_id is text."""
    whole = _mapped(segment)
    rows = np.flatnonzero(choice(whole))
    chosen = whole.take(pa.array(rows))
    return chosen.set_column(0, "customer_id", one_chunk(chosen.column("customer_id")).cast(pa.string()))


def on_days(spans: NDArray[np.int64]) -> Choice:
    """Choose events that occurred in given periods.

    Args:
        spans: Start and end (not included) of each period, UTC microseconds, shape (k, 2).
    """

    def choose(table: pa.Table) -> NDArray[np.bool_]:
        occurred = one_chunk(table.column("occurred_at")).cast(pa.int64()).to_numpy(zero_copy_only=False)
        wanted = np.zeros(len(occurred), dtype=np.bool_)
        for begin, end in spans.tolist():
            wanted |= (occurred >= begin) & (occurred < end)
        return wanted

    return choose


def of_customers(customer_ids: NDArray[np.object_]) -> Choice:
    """Choose all events of some customers."""
    wanted = pa.array(customer_ids, pa.string())

    def choose(table: pa.Table) -> NDArray[np.bool_]:
        customers = one_chunk(table.column("customer_id"))
        if not pa.types.is_dictionary(customers.type):
            customers = customers.dictionary_encode()
        wanted_codes = pc.is_in(customers.dictionary, value_set=wanted).to_numpy(zero_copy_only=False)
        chosen: NDArray[np.bool_] = wanted_codes[customers.indices.to_numpy()]
        return chosen

    return choose


def _mapped(segment: Path) -> pa.Table:
    try:
        with pa.memory_map(str(mapped_file(segment))) as source:
            return pa.ipc.open_file(source).read_all()
    except FileNotFoundError:
        return read_segment(segment, list(COLUMNS)).select(COLUMNS)
    except pa.ArrowException as error:
        raise DamagedError(mapped_file(segment), str(error)) from error
