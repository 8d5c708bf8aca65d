"""pandas: a filter and a group-by for each feature and anchor."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from benchmarks.feature_wanted import ZONE, anchors, lower_edges, wanted_features


def main(source: Path, target: Path) -> None:
    """Hold the log in memory and compute anchor by anchor."""
    columns = ["customer_id", "occurred_at", "available_at", "type", "amount"]
    log = pd.read_parquet(source, columns=columns)
    log["local_day"] = log["occurred_at"].dt.tz_convert(ZONE.key).dt.normalize()
    methods = {"count": "size", "sum": "sum", "mean": "mean", "min": "min", "max": "max"}
    for number, as_of in enumerate(anchors()):
        edges = lower_edges(as_of)
        visible = log[(log["occurred_at"] < as_of) & (log["available_at"] < as_of)]
        made = {}
        for wanted in wanted_features():
            rows = visible[visible["type"] == wanted.event_type]
            if wanted.window is not None:
                rows = rows[rows["occurred_at"] >= edges[wanted.window]]
            groups = rows.groupby("customer_id", observed=True)
            if wanted.kind == "distinct_days":
                made[wanted.name] = groups["local_day"].nunique()
            elif wanted.kind == "days_since_last":
                made[wanted.name] = (as_of - groups["occurred_at"].max()).dt.total_seconds() / 86400
            else:
                made[wanted.name] = getattr(groups["amount"], methods[wanted.kind])()
        features = pd.DataFrame(made, index=pd.Index(visible["customer_id"].unique(), name="customer_id"))
        features.assign(as_of=as_of).to_parquet(target / f"features-{number}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
