"""Today's events of the event log by customer, kept in memory: each segment is read once, not once per request."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import StateError
from events.damage import DamagedError
from events.log import EventLog
from events.manifest import Manifest, Stamp, stamp_of
from events.schema import MOMENT, one_chunk
from events.segments import empty_table, read_segment
from features.kernel.columns import EVENT_COLUMNS

_COLUMNS: Final = [*EVENT_COLUMNS, "event_id"]


class TodaysEvents:
    """Events of the log that became available on a day, looked up without reading files.

    Segments never change, so each is read once; after a commit to the log, which `refresh` detects, only new segments
    are read. Until then `of_customer` returns None and callers read the log itself: slower, with the same result.

    Args:
        log: The bank's event log.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._refreshing = threading.Lock()
        self._known: _Day | None = None

    def of_customer(self, customer_id: str, midnight: int) -> pa.Table | None:
        """Return a customer's events of the day; None if they are not known at the moment.

        Args:
            customer_id: The customer.
            midnight: Start of the day, UTC microseconds.
        """
        known = self._known
        if known is None or known.midnight != midnight or known.stamp != stamp_of(self._log.folder):
            return None
        return known.of_customer(customer_id)

    def is_current(self, midnight: int) -> bool:
        """Whether `of_customer` can answer."""
        known = self._known
        return known is not None and known.midnight == midnight and known.stamp == stamp_of(self._log.folder)

    def refresh(self, midnight: int) -> bool:
        """Read what is new in the log since the last call; thread-safe.

        Returns:
            Whether anything had to be read.

        Raises:
            StateError: The log is damaged.
        """
        with self._refreshing:
            if self.is_current(midnight):
                return False
            stamp = stamp_of(self._log.folder)
            manifest = Manifest.read(self._log.folder, 1)
            before = self._known.tables if self._known and self._known.midnight == midnight else {}
            tables: dict[str, pa.Table] = {}
            for segment in manifest.segments:
                if segment.last_available_at < midnight:
                    continue
                if segment.file in before:
                    tables[segment.file] = before[segment.file]
                    continue
                try:
                    tables[segment.file] = _since(self._log.folder / segment.file, midnight)
                except (OSError, DamagedError) as error:
                    if stamp_of(self._log.folder) == stamp:
                        raise StateError("the event log is damaged", got=str(error)) from error
                    return True  # replaced by a commit meanwhile, which the next call reads
            self._known = _Day(midnight, stamp, tables)
            return True


class _Day:
    def __init__(self, midnight: int, stamp: Stamp | None, tables: dict[str, pa.Table]) -> None:
        self.midnight = midnight
        self.stamp = stamp
        self.tables = tables
        filled = [table for table in tables.values() if len(table)]
        self._events = pa.concat_tables(filled).unify_dictionaries().combine_chunks() if filled else None
        self._places: dict[str, tuple[int, int]] = {}
        if self._events is not None:
            self._events = self._events.sort_by([("customer_id", "ascending"), ("occurred_at", "ascending")])
            codes = pc.run_end_encode(one_chunk(self._events["customer_id"]))
            ends = np.asarray(codes.run_ends.to_numpy())
            starts = np.concatenate([[0], ends[:-1]])
            customers = codes.values.to_pylist()
            self._places = dict(zip(customers, zip(starts.tolist(), ends.tolist(), strict=True), strict=True))

    def of_customer(self, customer_id: str) -> pa.Table:
        start, end = self._places.get(customer_id, (0, 0))
        return empty_table() if self._events is None or start == end else self._events.slice(start, end - start)


def _since(file: Path, midnight: int) -> pa.Table:
    return read_segment(file, _COLUMNS, pc.field("available_at") >= pa.scalar(midnight, MOMENT))
