"""Journey counts of one bucket of customers, on this machine or a cluster: files in, a file out.

This module does without Prefect, Feast and MLflow, so that a cluster's workers import little and start quickly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import StateError
from events.log import EventLog
from features.bucket.work import part_name
from features.catalogue import FeatureDefinitions
from features.engines.engine import Report
from features.journey.lifecycle import stage_history
from features.kernel.columns import EVENT_COLUMNS
from journeys.figures import bucket_counts
from journeys.histories import AnalyticsContext, Histories
from storage.atomic import replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyWork:
    """One bucket: what to read, what to count, and where to write it. Small and complete, to be sent to workers.

    Attributes:
        bucket: Number of the bucket.
        key: Digest of everything that the counts depend on.
        log: Folder of the event log; every worker sees this and the paths below under the same name.
        stage_history: File of the stages that the customers went through; None if it is not up to date, and stages are
            computed.
        features: Everything besides events that stages are computed from.
        context: What the figures depend on.
        counts: Folder of the counts.
    """

    bucket: int
    key: str
    log: Path
    stage_history: Path | None
    features: FeatureDefinitions
    context: AnalyticsContext
    counts: Path

    @property
    def file(self) -> Path:
        """File of the counts."""
        return self.counts / f"{part_name(self.bucket)}.json"

    def done(self) -> Report | None:
        """Return the report if the counts exist and are up to date, else None."""
        try:
            found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # missing or damaged: counted again
        return self._report() if found.get("key") == self.key else None

    def read(self) -> dict[str, pa.Table]:
        """Read the counts, by figure.

        Raises:
            StateError: They cannot be read.
        """
        try:
            tables = json.loads(self.file.read_text(encoding="utf-8"))["counts"]
        except (OSError, ValueError, KeyError) as error:
            raise StateError(
                "the journey counts of a bucket cannot be read",
                got=str(error),
                remedy=f"remove {self.file} and run `nbo journeys` again",
            ) from error
        return {name: counts_from_json(content) for name, content in tables.items()}

    def _report(self) -> Report:
        return {"bucket": self.bucket, "key": self.key}


def count_bucket(work: JourneyWork) -> Report:
    """Count one bucket's customers for every figure and write the counts.

    Returns:
        Number and key of the bucket.
    """
    events = EventLog(work.log).read_bucket(work.bucket, EVENT_COLUMNS)
    if work.stage_history is not None:
        stages = pq.ParquetFile(work.stage_history).read()
    else:
        stages = stage_history(events, work.context.as_of, work.features)
    counts = bucket_counts(Histories(events, stages, work.context))
    content = {"key": work.key, "counts": {name: counts_to_json(table) for name, table in counts.items()}}
    with replacing(work.file) as beside:
        beside.write_text(json.dumps(content), encoding="utf-8")
    return work._report()


def counts_to_json(table: pa.Table) -> dict[str, dict[str, list[Any]]]:
    """Convert counts to lists: keys, which are text, and measures, which are whole numbers.

    Example:
        >>> counts_to_json(pa.table({"channel": ["app"], "events": [2]}))
        {'keys': {'channel': ['app']}, 'measures': {'events': [2]}}
    """
    columns = table.to_pydict()
    keys = [field.name for field in table.schema if pa.types.is_string(field.type)]
    return {
        "keys": {name: columns[name] for name in keys},
        "measures": {name: values for name, values in columns.items() if name not in keys},
    }


def counts_from_json(content: dict[str, dict[str, list[Any]]]) -> pa.Table:
    """Convert the result of `counts_to_json` back to counts, also if there are none."""
    keys = {name: pa.array(values, pa.string()) for name, values in content["keys"].items()}
    measures = {name: pa.array(values, pa.int64()) for name, values in content["measures"].items()}
    return pa.table({**keys, **measures})
