"""Training sets for whoever asks their own question: a file of customers and moments in, a folder of features out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from domain.errors import DataError
from features.moments import Moments
from features.point_in_time import write_features
from features.table import AS_OF, CUSTOMER_ID
from pipelines.steps import StepResult
from wiring.parts import Parts
from wiring.progress import progress_of


def write_training_set(parts: Parts, moments_file: Path, folder: Path) -> StepResult:
    """Compute all features that are kept for models at the moments of a file, by the bank's engine.

    Args:
        parts: The bank's.
        moments_file: Parquet or CSV with `customer_id` and `as_of`; times without a zone are in the bank's.
        folder: New or empty.

    Returns:
        How many moments, features and files there are, and the folder.

    Raises:
        DataError: A file or folder that cannot be used.
    """
    moments = read_moments(moments_file, parts.bank.identity.time_zone)
    bank, names = parts.bank, parts.offline.names
    with progress_of("features of moments") as progress:
        files = write_features(
            parts.log,
            moments,
            bank.features,
            bank.journey,
            parts.calendar,
            folder,
            engine=parts.engine,
            names=names,
            progress=progress,
        )
    return {"moments": len(moments), "features": len(names), "files": files, "folder": str(folder)}


def read_moments(file: Path, time_zone: str) -> Moments:
    """Read customers and moments.

    Args:
        file: Parquet or CSV.
        time_zone: Of times that say none.

    Raises:
        DataError: The file cannot be read, lacks a column, or has an empty cell.
    """
    try:
        if file.suffix == ".csv":
            as_text = pa_csv.ConvertOptions(column_types={CUSTOMER_ID: pa.string()})
            table = pa_csv.read_csv(file, convert_options=as_text)
        else:
            table = pq.read_table(file, partitioning=None)
        customers = table.column(CUSTOMER_ID).cast(pa.string())
        times = table.column(AS_OF)
        if pa.types.is_date(times.type):
            times = times.cast(pa.timestamp("us"))
        if not pa.types.is_timestamp(times.type):
            raise DataError(f"the moments in {file} are no times", got=str(times.type), expected="a column of times")
        if times.type.tz is None:
            times = pc.assume_timezone(times.cast(pa.timestamp("us")), time_zone)
        times = times.cast(pa.timestamp("us", "UTC"))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(
            f"the moments in {file} cannot be read",
            got=str(error),
            expected=f"Parquet or CSV with {CUSTOMER_ID} and {AS_OF}",
        ) from error
    if customers.null_count or times.null_count:
        raise DataError(f"a moment in {file} is incomplete", got="an empty cell", expected="a customer and a time each")
    return Moments(
        np.array(customers.to_pylist(), dtype=object),
        times.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"),
    )
