"""Events to compute features from: many customers, a heavy tail, some of them delivered late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.feature_wanted import DAYS, START, TYPES
from events.schema import SCHEMA
from features.moments import utc_microseconds

EVENTS_PER_FILE = 300_000
HEAVIEST = 100_000
"""Events of the few customers who are machines rather than people."""
DAY = 86_400_000_000


def write_events(folder: Path, events: int, seed: int = 7) -> int:
    """Write about so many events of a fiftieth as many customers, in files by customer, sorted; returns their count."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = max(events // 50, 1)
    files = max(round(events / EVENTS_PER_FILE), 1)
    heavy = max(1, events // 2_500_000)
    start, written = int(utc_microseconds(START).astype(np.int64)), 0
    for number in range(files):
        rng = np.random.default_rng([seed, number])
        ids = np.arange(number, customers, files)
        counts = np.minimum(rng.lognormal(3.42, 1.0, len(ids)), 5_000).astype(np.int64)
        if number < heavy:
            counts[0] = min(HEAVIEST, events // 10)
        table = _events(rng, ids, counts, start)
        pq.write_table(table, folder / f"events-{number:04d}.parquet", compression="zstd", compression_level=1)
        written += len(table)
    return written


def _events(rng: np.random.Generator, ids: np.ndarray, counts: np.ndarray, start: int) -> pa.Table:
    total = int(counts.sum())
    customer = np.repeat(np.arange(len(ids)), counts)
    occurred = start + rng.integers(0, DAYS * DAY, total)
    order = np.lexsort((occurred, customer))
    occurred, customer = occurred[order], customer[order]
    late = rng.random(total) < 0.05
    available = occurred + np.where(late, rng.integers(0, 2 * DAY, total), 0)
    names = pa.array([f"C{number:07d}" for number in ids.tolist()])
    kinds = pa.array(rng.choice(len(TYPES), total, p=np.array([8, 6, 5, 4, 3, 2, 1, 1]) / 30).astype(np.int32))
    columns = {
        "event_id": pa.nulls(total, pa.string()).fill_null(""),
        "customer_id": names.take(pa.array(customer)),
        "occurred_at": pa.array(occurred, pa.timestamp("us", "UTC")),
        "available_at": pa.array(available, pa.timestamp("us", "UTC")),
        "type": pa.DictionaryArray.from_arrays(kinds, pa.array(TYPES)),
        "amount": np.round(rng.lognormal(3.5, 1.2, total), 2),
    }
    empty = {field.name: pa.nulls(total, field.type) for field in SCHEMA if field.name not in columns}
    return pa.table({field.name: {**columns, **empty}[field.name] for field in SCHEMA}).cast(SCHEMA)
