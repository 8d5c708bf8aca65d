"""One computation of all journey figures, by nbo or by DuckDB: what `benchmarks.journeys` measures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.journey_sql import GROUPS_OF_FUNNELS, QUERIES, Oracle, broken_query, funnel_query
from config.reading import load_bank
from features.calendar import Calendar
from features.kernel.columns import EVENT_COLUMNS
from journeys.figures import bucket_counts, finished_figures
from journeys.histories import AnalyticsContext, Histories

KERNEL, DUCKDB = "kernel", "duckdb"
RESULT: Final = "{}.json"
BANK = Path(__file__).parent.parent / "banks" / "demo"

Rows = list[dict[str, Any]]


def context_of(as_of: str) -> AnalyticsContext:
    """Return what figures depend on: the demo bank, and every cell shown."""
    bank = load_bank(BANK)
    analytics = replace(bank.analytics, smallest_cell=1)
    moment = datetime.fromisoformat(as_of).astimezone(bank.time_zone)
    return AnalyticsContext(bank.vocabulary, bank.journey, analytics, Calendar(bank.time_zone), moment)


def by_kernel(work: Path, context: AnalyticsContext) -> dict[str, Rows]:
    """Count file by file, as the flow counts bucket by bucket."""
    parts = []
    for events in sorted(work.glob("events-*.parquet")):
        stages = pq.read_table(events.with_name(events.name.replace("events", "stages")))
        parts.append(bucket_counts(Histories(pq.read_table(events, columns=list(EVENT_COLUMNS)), stages, context)))
    return {name: table.to_pylist() for name, table in finished_figures(parts, context).items()}


def by_duckdb(work: Path, context: AnalyticsContext) -> dict[str, Rows]:
    """Answer every query over all files."""
    oracle = Oracle(f"{work}/events-*.parquet", f"{work}/stages-*.parquet", context)
    found = {name: oracle.rows(sql) for name, sql in QUERIES.items()}
    found["experience_map"] = [row for row in found["experience_map"] if row["period"] == "latest"]
    found["funnel"] = [row for group in GROUPS_OF_FUNNELS.values() for row in oracle.rows(funnel_query(oracle, group))]
    found["broken_journeys"] = oracle.rows(broken_query(oracle))
    return found


def main() -> None:
    """Compute, and write how many rows each figure has and how many customers they are about."""
    engine, work, as_of = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    compute = by_kernel if engine == KERNEL else by_duckdb
    figures = compute(work, context_of(as_of))
    sums = {name: [len(rows), sum(row["customers"] for row in rows)] for name, rows in figures.items()}
    (work / RESULT.format(engine)).write_text(json.dumps(sums), encoding="utf-8")


if __name__ == "__main__":
    main()
