"""DuckDB: conditional aggregation over the log joined with the anchors, the way SQL is usually written for this."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.feature_wanted import WINDOWS, ZONE, Wanted, anchors, lower_edges, wanted_features


def expression(wanted: Wanted) -> str:
    """Write one feature."""
    edge = "" if wanted.window is None else f" AND occurred_at >= lower_{wanted.window}"
    where = f"FILTER (WHERE type = '{wanted.event_type}'{edge})"
    aggregate = {
        "count": f"count(*) {where}",
        "sum": f"coalesce(sum(amount) {where}, 0)",
        "mean": f"avg(amount) {where}",
        "min": f"min(amount) {where}",
        "max": f"max(amount) {where}",
        "distinct_days": f"count(DISTINCT local_day) {where}",
        "days_since_last": f"(epoch_us(as_of) - epoch_us(max(occurred_at) {where})) / 86400e6",
    }[wanted.kind]
    return f"{aggregate} AS {wanted.name}"


def main(source: Path, target: Path) -> None:
    """Run one query over everything."""
    rows = [{"as_of": anchor} | {f"lower_{w}": edge for w, edge in lower_edges(anchor).items()} for anchor in anchors()]
    moment = pa.timestamp("us", "UTC")
    edges = pa.Table.from_pylist(
        rows, pa.schema([(name, moment) for name in ("as_of", *(f"lower_{w}" for w in WINDOWS))])
    )
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{ZONE.key}'")
    connection.register("edges", edges)
    features = ",\n".join(expression(wanted) for wanted in wanted_features())
    connection.execute(
        f"""
        COPY (
            SELECT customer_id, as_of, {features}
            FROM (
                SELECT customer_id, occurred_at, available_at, type::VARCHAR AS type, amount,
                       CAST(occurred_at AS DATE) AS local_day
                FROM read_parquet('{source}/*.parquet')
            )
            JOIN edges ON occurred_at < as_of AND available_at < as_of
            GROUP BY customer_id, as_of
        ) TO '{target}/features.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
        """
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
