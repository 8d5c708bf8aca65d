"""Parquet segments of the log: events of one bucket, sorted by customer, time and id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from events.damage import DamagedError
from events.manifest import News, Segment
from events.news import total
from events.schema import SCHEMA, one_chunk

ORDER = ("customer_id", "occurred_at", "event_id")
_ROWS_PER_GROUP = 16_384
"""A customer's events are found by the bounds of row groups; decoding a group takes about 2 ms."""


def write_segment(file: Path, table: pa.Table) -> None:
    """Write a sorted table; pages have checksums, without which most flipped bits would read as other events."""
    pq.write_table(
        table,
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=_ROWS_PER_GROUP,
        write_page_checksum=True,
    )


def segment_of(file: str, bucket: int, events: pa.Table, news: Mapping[str, News]) -> Segment:
    """Describe a segment for the manifest.

    Args:
        file: Name below the log's folder.
        bucket: Bucket of the events.
        events: All events of the segment, at least one.
        news: News of the events, by month.
    """
    return Segment(
        file=file,
        bucket=bucket,
        rows=len(events),
        content=total(news.values())[1:],
        news=news,
        first_occurred_at=pc.min(events["occurred_at"]).cast(pa.int64()).as_py(),
        last_available_at=pc.max(events["available_at"]).cast(pa.int64()).as_py(),
    )


def read_segment(file: Path, columns: list[str], only: pc.Expression | None = None) -> pa.Table:
    """Read columns of a segment, optionally only the rows for which an expression holds.

    Raises:
        DamagedError: Something else has written to the file.
    """
    try:
        table = pq.read_table(
            file, columns=columns, filters=only, partitioning=None, use_threads=False, page_checksum_verification=True
        )
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise DamagedError(file, str(error)) from error
    for name in columns:  # a damaged footer may still be readable
        if name not in table.column_names or table.schema.field(name).type != SCHEMA.field(name).type:
            raise DamagedError(file, f"another column '{name}'")
    return table


def in_order(table: pa.Table) -> pa.Table:
    """Sort by customer, time and id, and join the chunks."""
    whole = joined(table)
    return joined(whole.take(pa.array(order_of(whole))))


def order_of(table: pa.Table) -> NDArray[np.int64]:
    """Return the order of rows by customer, time and id.

    Ids are compared only if customer and time are equal: sorting numbers first is several times faster than comparing
    texts.
    """
    encoded = one_chunk(table.column("customer_id")).dictionary_encode()
    rank_of_code = np.empty(len(encoded.dictionary), dtype=np.int64)
    rank_of_code[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(encoded.dictionary))
    customers = rank_of_code[encoded.indices.to_numpy()]
    moments = one_chunk(table.column("occurred_at")).cast(pa.int64()).to_numpy()
    order = np.lexsort((moments, customers))
    same = (np.diff(customers[order]) == 0) & (np.diff(moments[order]) == 0)
    if not same.any():
        return order
    tied = np.zeros(len(order), dtype=bool)
    tied[:-1] |= same
    tied[1:] |= same
    rows = order[tied]
    ids = pc.rank(one_chunk(table.column("event_id")).take(pa.array(rows)), sort_keys="ascending").to_numpy()
    order[tied] = rows[np.lexsort((ids, moments[rows], customers[rows]))]
    return order


@cache
def empty_table() -> pa.Table:
    """Return a table of the log without rows."""
    return SCHEMA.empty_table()


def joined(table: pa.Table) -> pa.Table:
    """Join the chunks of every column."""
    return pa.table({name: one_chunk(table.column(name)) for name in table.column_names}, schema=table.schema)
