"""Polars: one lazy group-by with filtered expressions for each anchor."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import polars as pl

from benchmarks.feature_wanted import ZONE, Wanted, anchors, lower_edges, wanted_features


def expression(wanted: Wanted, as_of: datetime, edges: dict[int, datetime]) -> pl.Expr:
    """Write one feature."""
    kept = pl.col("type") == wanted.event_type
    if wanted.window is not None:
        kept = kept & (pl.col("occurred_at") >= edges[wanted.window])
    amount = pl.col("amount").filter(kept)
    made = {
        "count": kept.sum(),
        "sum": amount.sum(),
        "mean": amount.mean(),
        "min": amount.min(),
        "max": amount.max(),
        "distinct_days": pl.col("local_day").filter(kept).n_unique(),
        "days_since_last": (pl.lit(as_of) - pl.col("occurred_at").filter(kept).max()).dt.total_microseconds() / 86400e6,
    }[wanted.kind]
    return made.alias(wanted.name)


def main(source: Path, target: Path) -> None:
    """Scan the log once for each anchor."""
    log = pl.scan_parquet(source / "*.parquet").select(
        "customer_id",
        "occurred_at",
        "available_at",
        pl.col("type").cast(pl.String),
        "amount",
        pl.col("occurred_at").dt.convert_time_zone(ZONE.key).dt.date().alias("local_day"),
    )
    for number, as_of in enumerate(anchors()):
        edges = lower_edges(as_of)
        visible = log.filter((pl.col("occurred_at") < as_of) & (pl.col("available_at") < as_of))
        features = visible.group_by("customer_id").agg(
            [expression(wanted, as_of, edges) for wanted in wanted_features()]
        )
        features.with_columns(pl.lit(as_of).alias("as_of")).sink_parquet(
            target / f"features-{number}.parquet", compression="zstd", compression_level=1
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
