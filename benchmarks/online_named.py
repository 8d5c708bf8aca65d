"""What a user of Feast would do instead: every feature a named column, online, through Feast's own calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig
from feast.data_format import ParquetFormat
from feast.types import Float64, String
from feast.value_type import ValueType

from features.store.repository import close_connections

VIEW = "named_features"


def measure_named(
    folder: Path, online_store: Mapping[str, Any], values: np.ndarray, *, ones: int, hundreds: int
) -> dict[str, Any]:
    """Write and read feature values, shape (customers, features), as named columns.

    Args:
        folder: For the registry.
        online_store: Feast's settings.
        ones: How many reads of one customer.
        hundreds: How many reads of a hundred.
    """
    names = [f"feature_{number}" for number in range(values.shape[1])]
    store = _store(folder, online_store, names)
    customers = np.array([f"named-{number:07d}" for number in range(len(values))], dtype=object)
    frame = pd.DataFrame(values, columns=names)
    frame["customer_id"] = customers
    frame["event_timestamp"] = pd.Timestamp(datetime.now(UTC))
    started = perf_counter()
    store.write_to_online_store(VIEW, frame)
    seconds = perf_counter() - started
    features = [f"{VIEW}:{name}" for name in names]
    rng = np.random.default_rng(7)
    result: dict[str, Any] = {"customers": len(values), "written_per_second": len(values) / seconds}
    for name, count, reads in (("one_ms", 1, ones), ("hundred_ms", 100, hundreds)):
        times = []
        for _ in range(reads + 1):
            asked = [{"customer_id": customer} for customer in rng.choice(customers, count, replace=False)]
            started = perf_counter()
            store.get_online_features(features=features, entity_rows=asked)
            times.append(perf_counter() - started)
        result[name] = float(np.median(times[1:])) * 1e3  # the first opens connections
    close_connections(store)
    return result


def _store(folder: Path, online_store: Mapping[str, Any], names: list[str]) -> FeatureStore:
    folder.mkdir(parents=True)
    store = FeatureStore(
        config=RepoConfig(
            project="named",
            provider="local",
            registry={"registry_type": "sql", "path": f"sqlite:///{folder / 'registry.db'}"},
            offline_store={"type": "duckdb"},
            online_store=dict(online_store),
            repo_path=folder,
        )
    )
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    batch = FileSource(
        name="unused", path=str(folder / "unused"), file_format=ParquetFormat(), timestamp_field="event_timestamp"
    )
    view = FeatureView(
        name=VIEW,
        entities=[customer],
        source=PushSource(name="push", batch_source=batch),
        schema=[Field(name="customer_id", dtype=String), *(Field(name=name, dtype=Float64) for name in names)],
    )
    store.apply([customer, view])
    return store
