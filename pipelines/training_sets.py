"""Training sets for any customers and moments: from a file of moments to a folder of features."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, SourceError
from events.fields import Fields
from events.fingerprints import bucket_of
from events.log import EventLog
from events.mapping import Source
from events.reading import read_chunks
from events.source_files import source_file
from features.moments import Moments
from features.point_in_time import write_features
from features.table import AS_OF, CUSTOMER_ID
from wiring.components import Components
from wiring.progress import progress_of

if TYPE_CHECKING:  # importing Prefect takes long
    from pipelines.steps import StepResult


def write_training_set(components: Components, moments_file: Path, folder: Path) -> StepResult:
    """Compute all features for models at the moments of a file, with the bank's engine.

    Args:
        components: The bank's components.
        moments_file: Parquet, CSV or JSON lines with `customer_id` and `as_of`; times without a zone are in the bank's.
        folder: New or empty folder.

    Returns:
        Counts of moments, of unknown customers (whose counts are 0 and everything else NULL), of features and files,
        and the folder.

    Raises:
        DataError: The file or folder cannot be used.
    """
    moments = read_moments(moments_file, components.bank.identity.time_zone)
    bank, names = components.bank, components.offline.names
    with progress_of("features of moments") as progress:
        files = write_features(
            components.log,
            moments,
            bank.feature_definitions,
            folder,
            engine=components.engine,
            names=names,
            progress=progress,
        )
    return {
        "moments": len(moments),
        "customers that the log does not know": unknown_among(components.log, moments.customer_ids),
        "features": len(names),
        "files": files,
        "folder": str(folder),
    }


def read_moments(file: Path, time_zone: str) -> Moments:
    """Read customers and moments with the code of the import.

    Args:
        file: Parquet, CSV or JSON lines.
        time_zone: Time zone of times without one.

    Raises:
        DataError: The file cannot be read, lacks a column, or has a row without a customer or a time.
    """
    found = []
    try:
        for chunk in read_chunks(source_file(_as_source(time_zone), file, str(file))):
            for rejection in chunk.broken:
                raise _unfit(str(file), rejection.row, f"{rejection.reason}: {rejection.detail}")
            found.append(_moments(chunk.table, time_zone, str(file), chunk.numbers))
    except (SourceError, OSError) as error:
        raise DataError(
            f"the moments in {file} cannot be read",
            got=str(error),
            expected=f"Parquet, CSV or JSON lines with {CUSTOMER_ID} and {AS_OF}",
        ) from error
    return Moments(
        np.concatenate([np.array([], dtype=object), *(moments.customer_ids for moments in found)]),
        np.concatenate([np.array([], dtype="datetime64[us]"), *(moments.as_of for moments in found)]),
    )


def moments_of(table: pa.Table, time_zone: str, place: str) -> Moments:
    """Read customers and moments from a table with the code of the import.

    Args:
        table: Table with `customer_id` and `as_of`; other columns are ignored.
        time_zone: Time zone of times without one.
        place: Origin of the table, for error messages.

    Raises:
        DataError: A column is missing or has another type, or a row lacks a customer or a time.
    """
    try:
        return _moments(table, time_zone, place, np.arange(1, table.num_rows + 1))
    except (SourceError, KeyError) as error:
        raise DataError(
            f"the moments in {place} cannot be read", got=str(error), expected=f"a table with {CUSTOMER_ID} and {AS_OF}"
        ) from error


def _as_source(time_zone: str) -> Source:
    columns: dict[str, str | tuple[str, ...]] = {"customer_id": CUSTOMER_ID, "occurred_at": AS_OF}
    return Source(name="moments", files=("*",), columns=columns, time_zone=time_zone)


def _moments(table: pa.Table, time_zone: str, place: str, numbers: NDArray[np.int64]) -> Moments:
    fields = Fields(table, _as_source(time_zone), place)
    ids, moments = fields.ids("customer_id"), fields.moments("occurred_at")
    for rows, describe in (
        (ids.missing, lambda _: f"no {CUSTOMER_ID}"),
        (ids.unfit, ids.why),
        (moments.missing, lambda _: f"no {AS_OF}"),
        (moments.unreadable, partial(_unreadable, fields)),
    ):
        for row in np.flatnonzero(rows).tolist():
            raise _unfit(place, int(numbers[row]), describe(row))
    return Moments(np.array(ids.values.to_pylist(), dtype=object), moments.microseconds.astype("datetime64[us]"))


def unknown_among(log: EventLog, customers: NDArray[np.object_]) -> int:
    """Count distinct customers without any event in the log."""
    distinct = pa.array(dict.fromkeys(customers.tolist()), pa.string())
    buckets = bucket_of(distinct, log.buckets)
    unknown = 0
    for bucket in np.unique(buckets).tolist():
        in_bucket = distinct.filter(pa.array(buckets == bucket))
        known = pc.is_in(in_bucket, value_set=pc.unique(log.read_bucket(bucket, ["customer_id"])["customer_id"]))
        unknown += len(in_bucket) - int(pc.sum(known).as_py() or 0)
    return unknown


def _unfit(place: str, row: int, problem: str) -> DataError:
    return DataError(
        f"a moment in {place} is incomplete or cannot be read",
        got=f"row {row}: {problem}",
        expected=f"a {CUSTOMER_ID} and an {AS_OF} such as 2026-03-29 10:15:00 in every row",
    )


def _unreadable(fields: Fields, row: int) -> str:
    return f"{AS_OF} '{fields.field('occurred_at')[row]}'"
