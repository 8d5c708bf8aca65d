"""The event log: append-only, deduplicated by event id, in buckets of customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, StateError, nearest
from events.damage import DamagedError
from events.erased import Erased, Nobody
from events.fingerprints import bucket_of
from events.manifest import MANIFEST, Manifest, News, Segment
from events.mapped import COLUMNS, Choice, of_customers, on_days, read_rows
from events.news import less, news_in, news_together, total
from events.schema import SCHEMA
from events.segments import ORDER, empty_table, in_order, joined, read_segment
from events.transaction import AppendCounts, Transaction, remove_leftovers
from storage.lock import locked

_Result = TypeVar("_Result")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READ_ATTEMPTS = 3
"""Attempts of a reader whose files are replaced by writers meanwhile."""


def of_types(types: Sequence[str]) -> pc.Expression:
    """Return the condition that an event is of one of some types, which may be none."""
    return pc.field("type").isin(pa.array(types, pa.string()))


class EventLog:
    """The events of a bank in one folder.

    Customers are assigned to buckets by a hash of their id, so that reading bucket by bucket gives every customer whole
    and bounds memory. A manifest lists the Parquet segments that belong to the log; replacing it is the commit, so a
    writer that dies leaves the log unchanged. Writers wait for each other; readers wait for nobody and see the log as
    of the last commit.

    Args:
        folder: Folder of the log, created at the first append.
        buckets: Number of buckets of a new log; an existing one keeps its own.
        rows_in_memory: Number of events held in memory while a commit is made.
        erased: Returns who was erased; called when a transaction has locked the log. An erasure is noted before the
            customer is removed from the log, so either the transaction knows of it, or the erasure finds what the
            transaction wrote.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from domain.event import Event
        >>> from events.schema import table_of
        >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
        >>> login = Event(event_id="e1", customer_id="c1", type="login", occurred_at=noon, available_at=noon)
        >>> with TemporaryDirectory() as folder:
        ...     log = EventLog(Path(folder), buckets=4)
        ...     counts = [log.append(table_of([login])) for _ in range(2)]
        ...     log.count(), counts[0].accepted, counts[1].duplicates
        (1, 1, 1)
    """

    def __init__(
        self,
        folder: Path,
        buckets: int = 16,
        rows_in_memory: int = 500_000,
        erased: Callable[[], Erased] = Nobody,
    ) -> None:
        if buckets < 1:
            raise DataError("an event log needs buckets", got=str(buckets), expected="at least 1")
        self.folder = folder
        self._new_buckets = buckets
        self._rows_in_memory = rows_in_memory
        self._erased = erased
        self._newest: dict[tuple[str, ...], tuple[frozenset[str], int | None]] = {}

    @property
    def buckets(self) -> int:
        """Number of buckets; they are 0 to buckets - 1."""
        return self._manifest().buckets

    def append(self, table: pa.Table) -> AppendCounts:
        """Append events in one commit; rows with a known id or an erased customer are only counted.

        Args:
            table: Columns of `events.schema.SCHEMA`, in any order of rows.

        Raises:
            DataError: The table does not fit the schema.
            StateError: The log could not be written, for example because the disk is full; it is unchanged.
        """
        with self.transaction() as transaction:
            return transaction.append(table)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Lock the log for several appends in one commit; an error inside leaves the log unchanged."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "lock"):
                manifest = self._manifest()
                remove_leftovers(self.folder, manifest.files)
                transaction = Transaction(self.folder, manifest, self._rows_in_memory, self._erased())
                try:
                    yield transaction
                    transaction.commit()
                except BaseException:
                    remove_leftovers(self.folder, self._manifest().files | manifest.files)
                    raise
        except OSError as error:
            raise StateError(
                f"the event log in {self.folder} could not be written and is unchanged",
                got=error.strerror or str(error),
                remedy="free space or give write access, then append again",
            ) from error

    def read_bucket(self, bucket: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a bucket, sorted by customer_id, occurred_at and event_id.

        Args:
            bucket: Number of the bucket, 0 to buckets - 1.
            columns: Names of columns, in the desired order; None for all.

        Raises:
            DataError: There is no such bucket or column.
            StateError: A file of the log is missing or damaged.
        """
        wanted = _known_columns(columns)

        def read(manifest: Manifest) -> pa.Table:
            if not 0 <= bucket < manifest.buckets:
                raise DataError("no such bucket", got=str(bucket), expected=f"0 to {manifest.buckets - 1}")
            return self._read(manifest.of_bucket(bucket), wanted)

        return self._consistently(read)

    def read_days(self, bucket: int, spans: NDArray[np.int64]) -> pa.Table:
        """Read the events of a bucket that occurred in given periods, at a cost that hardly grows with the log.

        Args:
            bucket: Number of the bucket, 0 to buckets - 1.
            spans: Start and end (not included) of each period, UTC microseconds, shape (k, 2).

        Returns:
            Columns of `events.mapped.COLUMNS`, in no order; the same holds for `read_customers`.
        """
        return self._rows(bucket, on_days(spans))

    def read_customers(self, bucket: int, customer_ids: NDArray[np.object_]) -> pa.Table:
        """Read the events of some customers of a bucket."""
        return self._rows(bucket, of_customers(customer_ids))

    def read_since(self, bucket: int, moment: np.datetime64) -> tuple[pa.Table, News]:
        """Read all events of a bucket that became available at a moment or later, in no order.

        Returns:
            These events, and the number and content of the events that were available before.
        """

        def read(manifest: Manifest) -> tuple[pa.Table, News]:
            segments = manifest.of_bucket(bucket)
            since = int(moment.astype("datetime64[us]").astype(np.int64))
            fresh = [segment for segment in segments if segment.last_available_at >= since]
            only = pc.field("available_at") >= pa.scalar(since, pa.int64()).cast(pa.timestamp("us", "UTC"))
            tables = [read_segment(self.folder / segment.file, SCHEMA.names, only) for segment in fresh]
            events = joined(pa.concat_tables(tables)) if tables else empty_table()
            return events, less(total(news_together(segments).values()), news_in(events))

        return self._consistently(read)

    def read_customer(self, customer_id: str) -> pa.Table:
        """Read one customer's events, oldest first."""

        def read(manifest: Manifest) -> pa.Table:
            bucket = int(bucket_of(pa.array([customer_id]), manifest.buckets)[0])
            return self._read(manifest.of_bucket(bucket), SCHEMA.names, pc.field("customer_id") == customer_id)

        return self._consistently(read)

    def read_together(self, customer_ids: Sequence[str]) -> pa.Table:
        """Read the events of customers in any buckets, each customer's in the order of `read_customer`."""

        def read(manifest: Manifest) -> pa.Table:
            names = pa.array(customer_ids, pa.string())
            buckets = bucket_of(names, manifest.buckets)
            tables = []
            for bucket in np.unique(buckets).tolist():
                own_rows = pc.field("customer_id").isin(names.filter(pa.array(buckets == bucket)))
                tables.append(self._read(manifest.of_bucket(bucket), SCHEMA.names, own_rows))
            return joined(pa.concat_tables(tables)) if tables else empty_table()

        return self._consistently(read)

    def read_types(self, types: Sequence[str]) -> pa.Table:
        """Read the events of some types from all buckets, each bucket in its order; of no types there are none."""
        only = of_types(types)

        def read(manifest: Manifest) -> pa.Table:
            parts = [self._read(manifest.of_bucket(b), SCHEMA.names, only) for b in range(manifest.buckets)]
            return joined(pa.concat_tables(parts))

        return self._consistently(read)

    def digest(self) -> str:
        """Identify the events of the whole log, however they were delivered and are stored."""
        return _digest(self._manifest().segments)

    def bucket_digest(self, bucket: int, through: str | None = None) -> str:
        """Identify the events of a bucket; the digest changes if and only if the events do.

        Args:
            bucket: Number of the bucket, 0 to buckets - 1.
            through: Month (UTC, `2026-05`); only events that became available in it or earlier count.
        """
        return _digest(self._manifest().of_bucket(bucket), through)

    def bucket_digests(self, bucket: int, months: Sequence[str]) -> list[str]:
        """Identify the events of a bucket through each of several months, all as of one commit."""
        segments = self._manifest().of_bucket(bucket)
        return [_digest(segments, month) for month in months]

    def count(self) -> int:
        """Return the number of events."""
        return sum(segment.rows for segment in self._manifest().segments)

    @property
    def customer_count(self) -> int:
        """Number of customers with at least one event; reads their ids."""
        return sum(
            len(pc.unique(self.read_bucket(bucket, ["customer_id"])["customer_id"])) for bucket in range(self.buckets)
        )

    def last_available_at(self) -> datetime | None:
        """Return when the log's latest event became available; None for an empty log."""
        moments = [segment.last_available_at for segment in self._manifest().segments]
        return _EPOCH + timedelta(microseconds=max(moments)) if moments else None

    def newest(self, types: Sequence[str]) -> datetime | None:
        """Return when the latest event of some types became available; None without one.

        Files are read from the latest on, until those that are left can hold nothing later, and only after a commit.
        """
        only = of_types(types)

        def read(manifest: Manifest) -> int | None:
            files = frozenset(segment.file for segment in manifest.segments)
            known, found = self._newest.get(tuple(types), (None, None))
            if known == files:
                return found
            found = None
            for segment in sorted(manifest.segments, key=lambda one: -one.last_available_at):
                if found is not None and segment.last_available_at <= found:
                    break
                times = read_segment(self.folder / segment.file, ["available_at"], only)["available_at"]
                if len(times):
                    latest: int = pc.max(times).cast(pa.int64()).as_py()
                    found = latest if found is None else max(found, latest)
            self._newest[tuple(types)] = files, found
            return found

        moment = self._consistently(read)
        return None if moment is None else _EPOCH + timedelta(microseconds=moment)

    def first_occurred_at(self) -> datetime | None:
        """Return when the log's first event occurred; None for an empty log."""
        moments = [segment.first_occurred_at for segment in self._manifest().segments]
        return _EPOCH + timedelta(microseconds=min(moments)) if moments else None

    def _manifest(self) -> Manifest:
        return Manifest.read(self.folder, self._new_buckets)

    def _consistently(self, read: Callable[[Manifest], _Result]) -> _Result:
        """Read by one manifest; try again if a writer has replaced and removed its files meanwhile."""
        for attempt in range(_READ_ATTEMPTS):
            manifest = self._manifest()
            try:
                return read(manifest)
            except (OSError, DamagedError) as error:
                if attempt + 1 < _READ_ATTEMPTS and self._manifest() != manifest:
                    continue
                if isinstance(error, DamagedError):
                    raise
                raise DamagedError(self.folder / MANIFEST, f"it names a file that cannot be read: {error}") from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _rows(self, bucket: int, choice: Choice) -> pa.Table:
        def read(manifest: Manifest) -> pa.Table:
            found = [read_rows(self.folder / segment.file, choice) for segment in manifest.of_bucket(bucket)]
            return joined(pa.concat_tables(found)) if found else empty_table().select(COLUMNS)

        return self._consistently(read)

    def _read(self, segments: Sequence[Segment], columns: Sequence[str], only: pc.Expression | None = None) -> pa.Table:
        if not segments:
            return empty_table().select(columns)
        if len(segments) == 1:
            read_columns = list(columns)
        else:
            read_columns = [*columns, *(name for name in ORDER if name not in columns)]
        tables = [read_segment(self.folder / segment.file, read_columns, only) for segment in segments]
        ordered = joined(tables[0]) if len(segments) == 1 else in_order(pa.concat_tables(tables))
        return ordered.select(columns)


def _known_columns(columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(SCHEMA.names)
    for name in columns:
        if name not in SCHEMA.names:
            raise DataError("the event log has no such column", got=f"'{name}'", expected=nearest(name, SCHEMA.names))
    return list(columns)


def _digest(segments: Sequence[Segment], through: str | None = None) -> str:
    news = news_together(segments)
    rows, *lanes = total(counted for month, counted in news.items() if through is None or month <= through)
    return blake2b(f"{rows}:{lanes[0]}:{lanes[1]}".encode(), digest_size=16).hexdigest()
