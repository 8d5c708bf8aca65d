"""Training sets for whoever asks their own question: a file of customers and moments in, a folder of features out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from domain.errors import DataError
from features.moments import Moments
from features.point_in_time import write_features
from features.table import AS_OF, CUSTOMER_ID
from wiring.parts import Parts
from wiring.progress import progress_of

if TYPE_CHECKING:  # whoever asks for features need not wait for Prefect
    from pipelines.steps import StepResult


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
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(str(file), error) from error
    return moments_of(table, time_zone, str(file))


def moments_of(table: pa.Table, time_zone: str, place: str) -> Moments:
    """Take customers and moments from a table.

    Args:
        table: With `customer_id`, and `as_of` as times or dates; other columns do not matter.
        time_zone: Of times that say none.
        place: Where it comes from, for errors.

    Raises:
        DataError: A column is missing, no times, or has an empty cell.
    """
    try:
        customers = table.column(CUSTOMER_ID).cast(pa.string())
        times = table.column(AS_OF)
        if pa.types.is_date(times.type):
            times = times.cast(pa.timestamp("us"))
        if not pa.types.is_timestamp(times.type):
            raise DataError(f"the moments in {place} are no times", got=str(times.type), expected="a column of times")
        if times.type.tz is None:
            times = pc.assume_timezone(times.cast(pa.timestamp("us")), time_zone)
        times = times.cast(pa.timestamp("us", "UTC"))
    except (pa.ArrowException, KeyError) as error:
        raise _unreadable(place, error) from error
    if customers.null_count or times.null_count:
        raise DataError(
            f"a moment in {place} is incomplete", got="an empty cell", expected="a customer and a time each"
        )
    return Moments(
        np.array(customers.to_pylist(), dtype=object),
        times.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"),
    )


def _unreadable(place: str, error: Exception) -> DataError:
    expected = f"Parquet, CSV or a table with {CUSTOMER_ID} and {AS_OF}"
    return DataError(f"the moments in {place} cannot be read", got=str(error), expected=expected)
