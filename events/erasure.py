"""Erases a customer from the event log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import StateError
from events.fingerprints import bucket_of
from events.manifest import Manifest, Segment
from events.mapped import mapped_file
from events.removing import written
from events.schema import SCHEMA
from events.segments import read_segment
from storage.lock import locked


def erase_customer(folder: Path, customer_id: str) -> int:
    """Remove all events of a customer from a log; they are gone from the disk when this returns.

    Fingerprints of the events' ids stay, so that the same events do not come back when delivered again.

    Args:
        folder: Folder of the log.
        customer_id: Customer to erase.

    Returns:
        Number of removed events.

    Raises:
        StateError: The log could not be written; it is unchanged.

    Example:
        >>> from datetime import UTC, datetime
        >>> from tempfile import TemporaryDirectory
        >>> from domain.event import Event
        >>> from events.log import EventLog
        >>> from events.schema import table_of
        >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
        >>> events = [Event(event_id=name, customer_id=name, type="login", occurred_at=noon, available_at=noon)
        ...           for name in ("c1", "c2")]
        >>> with TemporaryDirectory() as folder:
        ...     log = EventLog(Path(folder), buckets=1)
        ...     counts = log.append(table_of(events))
        ...     erased = erase_customer(log.folder, "c1")
        ...     erased, log.count(), log.append(table_of(events)).accepted
        (1, 1, 0)
    """
    if not folder.exists():
        return 0
    try:
        with locked(folder / "lock"):
            manifest = Manifest.read(folder, 1)
            bucket = int(bucket_of(pa.array([customer_id]), manifest.buckets)[0])
            kept: list[Segment] = []
            gone: list[Segment] = []
            erased = 0
            for segment in manifest.segments:
                rest = _without(folder, segment, customer_id) if segment.bucket == bucket else None
                if rest is None:
                    kept.append(segment)
                    continue
                gone.append(segment)
                erased += segment.rows - len(rest)
                if len(rest):
                    kept.append(written(folder, bucket, rest))
            if gone:
                replace(manifest, segments=tuple(kept)).write(folder)
                for segment in gone:
                    (folder / segment.file).unlink()
                    mapped_file(folder / segment.file).unlink(missing_ok=True)
            return erased
    except OSError as error:
        raise StateError(
            f"the event log in {folder} could not be written and is unchanged",
            got=error.strerror or str(error),
            remedy="free space or give write access, then erase again",
        ) from error


def _without(folder: Path, segment: Segment, customer_id: str) -> pa.Table | None:
    """Return a segment's events without the customer's; None if it has none of theirs."""
    table = read_segment(folder / segment.file, SCHEMA.names)
    own_rows = pc.equal(table["customer_id"], customer_id)
    return table.filter(pc.invert(own_rows)) if pc.any(own_rows).as_py() else None
