"""Write features of any moments straight from the log: training sets of any size, computed by any engine."""

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
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.engines.engine import Engine, Report
from features.moments import Moments
from features.store.parts import plain_table
from features.table import AS_OF, CUSTOMER_ID
from storage.parquet import replace_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class _BucketWork:
    """Moments of the customers of one bucket, and what is needed to compute their features."""

    bucket: int
    log: Path
    moments: Path
    result: Path
    definitions: FeatureDefinitions
    names: tuple[str, ...] | None


def write_features(
    log: EventLog,
    moments: Moments,
    definitions: FeatureDefinitions,
    folder: Path,
    *,
    engine: Engine,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> int:
    """Compute the features of moments from a log and write them as Parquet, one file for each bucket of customers.

    Args:
        log: The event log. All workers of the engine must be able to access its folder and `folder`.
        moments: Customers and moments, in any order, with repetitions.
        definitions: The bank's feature definitions.
        folder: New or empty. A file has customer_id, as_of and the features, its rows in the order of the moments.
        engine: The engine that runs the work.
        names: Requested features, in order; all if None.
        progress: Called with the number of buckets done.

    Returns:
        The number of files.

    Raises:
        DataError: For a folder that is not empty, no moments, or an unknown feature.
        EngineError: If the engine is not available.
    """
    if not len(moments):
        raise DataError("there are no moments to compute features of", expected="at least one")
    if folder.exists() and any(folder.iterdir()):
        raise DataError("the folder for the features is not empty", got=str(folder), expected="a new or empty one")
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
            work = _BucketWork(
                bucket=number,
                log=log.folder.resolve(),
                moments=Path(beside).resolve() / name,
                result=folder.resolve() / name,
                definitions=definitions,
                names=None if names is None else tuple(names),
            )
            pq.write_table(table.filter(pa.array(bucket == number)), work.moments)
            works.append(work)
        workers.map(_compute, works, progress)
    return len(works)


def _compute(work: _BucketWork) -> Report:
    table = pq.read_table(work.moments)
    moments = Moments(
        np.array(table.column(CUSTOMER_ID).to_pylist(), dtype=object),
        table.column(AS_OF).cast(pa.timestamp("us")).to_numpy(),
    )
    events = EventLog(work.log).read_bucket(work.bucket)
    features = compute_features(events, moments, work.definitions, work.names)
    replace_parquet(work.result, plain_table(features))
    return {"bucket": work.bucket, "rows": len(features)}
