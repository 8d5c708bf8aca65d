"""Features of any moments, straight from the log: a training set of whatever size, made by whatever engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError
from domain.progress import Progress, silent
from events.fingerprints import bucket_of
from events.log import EventLog
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue
from features.compute import compute_features
from features.engines.engine import Engine, Report
from features.journey.settings import Journey
from features.moments import Moments
from features.store.parts import plain_table
from features.store.replacing import replace_parquet
from features.table import AS_OF, CUSTOMER_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Moments of one bucket's customers."""

    bucket: int
    log: Path
    moments: Path
    result: Path
    catalogue: FeatureCatalogue
    journey: Journey
    calendar: Calendar
    names: tuple[str, ...] | None


def write_features(
    log: EventLog,
    moments: Moments,
    catalogue: FeatureCatalogue,
    journey: Journey,
    calendar: Calendar,
    folder: Path,
    *,
    engine: Engine,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> int:
    """Compute the features of moments from a log and write them as Parquet, a file for each bucket of customers.

    Args:
        log: The events; its folder and `folder` are where all of the engine's workers see them.
        moments: In any order; the same pair may come more than once.
        catalogue: The bank's features.
        journey: Its stages.
        calendar: Its local days.
        folder: New or empty. A file has customer_id, as_of and the features, its rows in the order of the moments.
        engine: Who computes.
        names: Features wanted, in that order; all where not given.
        progress: Called with how many buckets are done.

    Returns:
        The number of files.

    Raises:
        DataError: A folder that is not empty, no moments, or an unknown feature.
        EngineError: The engine cannot be had.
    """
    if not len(moments):
        raise DataError("no moments to compute features of", expected="at least one")
    if folder.exists() and any(folder.iterdir()):
        raise DataError("the folder for the features is not empty", got=str(folder), expected="a new one")
    folder.mkdir(parents=True, exist_ok=True)
    customer_ids = pa.array(moments.customer_ids, pa.string())
    bucket = bucket_of(customer_ids, log.buckets)
    as_of = pa.array(moments.as_of.astype("datetime64[us]"), pa.timestamp("us", "UTC"))
    table = pa.table({CUSTOMER_ID: customer_ids, AS_OF: as_of})
    with (
        TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-moments-") as beside,
        engine.workers() as workers,
    ):
        works = []
        for number in np.unique(bucket).tolist():
            name = f"bucket-{number:03d}.parquet"
            asked = _Asked(
                bucket=number,
                log=log.folder.resolve(),
                moments=Path(beside).resolve() / name,
                result=folder.resolve() / name,
                catalogue=catalogue,
                journey=journey,
                calendar=calendar,
                names=None if names is None else tuple(names),
            )
            pq.write_table(table.filter(pa.array(bucket == number)), asked.moments)
            works.append(asked)
        workers.map(_compute, works, progress)
    return len(works)


def _compute(asked: _Asked) -> Report:
    table = pq.read_table(asked.moments)
    moments = Moments(
        np.array(table.column(CUSTOMER_ID).to_pylist(), dtype=object),
        table.column(AS_OF).cast(pa.timestamp("us")).to_numpy(),
    )
    events = EventLog(asked.log).read_bucket(asked.bucket)
    features = compute_features(events, moments, asked.catalogue, asked.journey, asked.calendar, asked.names)
    replace_parquet(asked.result, plain_table(features))
    return {"bucket": asked.bucket, "rows": len(features)}
