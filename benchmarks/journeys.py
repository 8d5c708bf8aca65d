"""The nightly journey figures beside DuckDB's, on a bank of ten million events. `make bench-journeys` runs it."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.journey_run import DUCKDB, KERNEL, RESULT
from benchmarks.measure import measure, surroundings
from benchmarks.pages import write_page
from config.reading import load_bank
from domain.errors import StateError
from events.log import EventLog
from features.bucket.work import part_name

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "journeys.json"
BANK = HERE.parent / "banks" / "demo"


def main() -> None:
    """Copy the demo bank's customers until there are enough events, measure, compare, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".nbo"), help="state of a demo bank that has been run")
    parser.add_argument("--events", type=int, default=10_000_000, help="events, about")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        written, customers, as_of = multiply(options.home / "banks" / "demo", work, options.events)
        measured = {}
        for engine in (KERNEL, DUCKDB):
            measured[engine] = measure("benchmarks.journey_run", [engine, str(work), as_of.isoformat()])
            print(f"{engine}: {measured[engine].cpu_seconds:.1f} CPU seconds", flush=True)
        differing = different_rows(work)
        if differing:
            raise ValueError(f"the two differ in {differing}")
        results = {
            "surroundings": surroundings("numpy", "pyarrow", "duckdb"),
            "load_average": os.getloadavg()[0],
            "events": written,
            "customers": customers,
            "engines": {engine: asdict(one) for engine, one in measured.items()},
            "cpu_ratio": measured[DUCKDB].cpu_seconds / measured[KERNEL].cpu_seconds,
        }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def multiply(state: Path, target: Path, events: int) -> tuple[int, int, datetime]:
    """Write the log's events and stages as many times as needed, each time with other customers, in files by bucket.

    Returns:
        Number of events, number of customers, and the local midnight up to which figures count.

    Raises:
        StateError: The demo bank has not been run.
    """
    log, zone = EventLog(state / "log"), load_bank(BANK).time_zone
    latest = log.last_available_at()
    if latest is None:
        raise StateError("the demo bank has no events", got=str(state), remedy="make demo, or name its home by --home")
    as_of = latest.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    copies, written, customers = max(1, round(events / log.count())), 0, 0
    for bucket in range(log.buckets):
        own = log.read_bucket(bucket)
        stages = pq.ParquetFile(state / "stage_history" / f"{part_name(bucket)}.parquet").read()
        customers += copies * len(pc.unique(own["customer_id"]))
        for copy in range(copies):
            for name, table in (("events", own), ("stages", stages)):
                pq.write_table(_other_customers(table, copy), target / f"{name}-{bucket:03d}-{copy}.parquet")
            written += len(own)
    return written, customers, as_of


def different_rows(work: Path) -> list[str]:
    """Compare the numbers of customers in all figures; return the names of those that differ."""
    ours, theirs = (
        json.loads((work / RESULT.format(engine)).read_text(encoding="utf-8")) for engine in (KERNEL, DUCKDB)
    )
    return [name for name in theirs if ours[name] != theirs[name]]


def _other_customers(table: pa.Table, copy: int) -> pa.Table:
    place = table.column_names.index("customer_id")
    named = pc.binary_join_element_wise(f"{copy}", table["customer_id"].cast(pa.string()), "-")
    return table.set_column(place, "customer_id", named)


if __name__ == "__main__":
    main()
