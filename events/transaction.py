"""One commit to the event log: everything that is appended in it becomes visible at once, or nothing does."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.durable import sync
from events.erased import Erased, kept_rows
from events.fingerprints import Lanes, bucket_of, combine, content_fingerprints, text_fingerprints
from events.identities import Identities, identities_of, look_up, merged, read_run, write_run
from events.manifest import ImportedFile, Manifest, News, Run, Segment
from events.mapped import mapped_file, write_mapped
from events.news import news_of, news_together
from events.schema import SCHEMA, conform, one_chunk
from events.segments import in_order, joined, order_of, read_segment, segment_of, write_segment
from events.tiers import parts_to_merge


@dataclass(frozen=True, slots=True)
class AppendCounts:
    """What came of the rows of an append: accepted + duplicates + conflicts are all of them.

    Attributes:
        duplicates: The id is in the log (or before it in the table) with the same content, or the event is of a
            customer who was erased since it occurred.
        conflict_rows: Positions, in the appended table, of rows whose id stands for other content; not appended.
    """

    accepted: int
    duplicates: int
    conflict_rows: NDArray[np.int64]

    @property
    def conflicts(self) -> int:
        """Rows whose id stands for other content."""
        return len(self.conflict_rows)


class Transaction:
    """Appends that are committed together; made by `EventLog.transaction`.

    Accepted events wait in memory, then go to segments of this commit; at the end these are merged. So memory is
    bounded by the rows that wait (about 300 bytes each), by 16 bytes for every event appended in the commit, and by
    the largest bucket that is merged.

    Attributes:
        erased: Who was erased before the log was held.
    """

    def __init__(self, folder: Path, manifest: Manifest, rows_in_memory: int, erased: Erased) -> None:
        self.erased = erased
        self._folder = folder
        self._rows_in_memory = rows_in_memory
        self._manifest = manifest
        self._committed_runs = [read_run(folder / run.file) for run in manifest.runs]
        self._own_runs: list[Identities] = []
        self._waiting: list[tuple[pa.Table, Lanes]] = []
        self._waiting_rows = 0
        self._pending: list[Segment] = []
        self._imported: dict[str, ImportedFile] = {}

    def append(self, table: pa.Table) -> AppendCounts:
        """Add events that are not in the log yet, and not of customers who were erased since they occurred.

        Args:
            table: Columns of `events.schema.SCHEMA`, in any order of rows.

        Raises:
            DataError: The table does not fit the schema.
        """
        events = conform(table)
        kept, given = kept_rows(events, self.erased), len(events)
        if len(kept) < given:
            events = events.take(pa.array(kept))
        ids = text_fingerprints(one_chunk(events["event_id"])) if len(events) else np.zeros((0, 2), dtype=np.uint64)
        contents = combine(content_fingerprints(events), ids)
        known, known_contents = look_up([*self._committed_runs, *self._own_runs], ids)
        first_row = _first_rows(ids[:, 0])
        repeated = first_row != np.arange(len(ids))
        known_contents = np.where(known, known_contents, contents[first_row, 0])
        seen = known | repeated
        conflicts = np.flatnonzero(seen & (known_contents != contents[:, 0]))
        new = np.flatnonzero(~seen)
        if len(new):
            self._keep(events.take(pa.array(new)), ids[new], contents[new])
        return AppendCounts(len(new), given - len(new) - len(conflicts), kept[conflicts])

    def imported(self, digest: str) -> ImportedFile | None:
        """What came of a source file that was imported before; None for a new one."""
        return self._imported.get(digest) or self._manifest.imported.get(digest)

    def remember(self, digest: str, counts: ImportedFile) -> None:
        """Note a source file as imported, in this commit."""
        self._imported[digest] = counts

    def commit(self) -> None:
        """Make everything visible by replacing the manifest; nothing at all is written where nothing is new."""
        self._flush()
        if not self._pending and self._imported.items() <= dict(self._manifest.imported).items():
            return
        segments = self._merged_segments()
        runs = self._merged_runs()
        kept = self._manifest.files
        written = {*(segment.file for segment in segments), *(run.file for run in runs)} - kept
        for file in sorted(written):
            sync(self._folder / file)
        for segment in segments:
            if segment.file in written:
                sync(mapped_file(self._folder / segment.file))
        self._manifest.with_commit(segments, runs, self._imported).write(self._folder)

    def _keep(self, events: pa.Table, ids: Lanes, contents: Lanes) -> None:
        self._own_runs.append(identities_of(ids, contents))
        self._own_runs = _merge_newest(self._own_runs)
        self._waiting.append((events, contents))
        self._waiting_rows += len(events)
        if self._waiting_rows >= self._rows_in_memory:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        together = joined(pa.concat_tables([table for table, _ in self._waiting]))
        order = order_of(together)
        events = together.take(pa.array(order))
        contents = np.concatenate([lanes for _, lanes in self._waiting])[order]
        buckets = bucket_of(one_chunk(events["customer_id"]), self._manifest.buckets)
        for bucket in np.unique(buckets).tolist():
            rows = np.flatnonzero(buckets == bucket)
            of_bucket = events.take(pa.array(rows))
            self._pending.append(self._write(bucket, of_bucket, news_of(of_bucket, contents[rows])))
        self._waiting, self._waiting_rows = [], 0

    def _merged_segments(self) -> tuple[Segment, ...]:
        fresh = {segment.bucket for segment in self._pending}
        segments = [segment for segment in self._manifest.segments if segment.bucket not in fresh]
        for bucket in sorted(fresh):
            of_bucket = [s for s in (*self._manifest.segments, *self._pending) if s.bucket == bucket]
            count = parts_to_merge([segment.rows for segment in of_bucket])
            segments += of_bucket[:-count]
            segments.append(of_bucket[-1] if count == 1 else self._merge(of_bucket[-count:]))
        return tuple(segments)

    def _merge(self, parts: list[Segment]) -> Segment:
        tables = [read_segment(self._folder / part.file, SCHEMA.names) for part in parts]
        return self._write(parts[0].bucket, in_order(pa.concat_tables(tables)), news_together(parts))

    def _merged_runs(self) -> tuple[Run, ...]:
        if not self._own_runs:
            return self._manifest.runs
        own = merged(self._own_runs)
        count = parts_to_merge([*(run.rows for run in self._manifest.runs), own.shape[1]])
        kept = len(self._manifest.runs) + 1 - count
        run = merged([*self._committed_runs[kept:], own])
        file = _new_name("ids", "npy")
        write_run(self._folder / file, run)
        return (*self._manifest.runs[:kept], Run(file=file, rows=run.shape[1]))

    def _write(self, bucket: int, events: pa.Table, news: Mapping[str, News]) -> Segment:
        file = _new_name(f"bucket-{bucket:04d}", "parquet")
        write_segment(self._folder / file, events)
        write_mapped(self._folder / file, events)
        return segment_of(file, bucket, events, news)


def remove_leftovers(folder: Path, files: Iterable[str]) -> None:
    """Remove segments and runs that do not belong to the log: of writers that died, or merged since.

    They are left until the next append, so that a reader who began before a merge can finish.
    """
    belong = {name for file in files for name in (file, mapped_file(Path(file)).name)}
    for pattern in ("bucket-*.parquet", "bucket-*.arrow", "ids-*.npy", "*.new"):
        for file in folder.glob(pattern):
            if file.name not in belong:
                file.unlink()


def _merge_newest(runs: list[Identities]) -> list[Identities]:
    count = parts_to_merge([run.shape[1] for run in runs])
    return runs if count == 1 else [*runs[:-count], merged(runs[-count:])]


def _first_rows(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each row, the first row with the same key."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    begins = np.concatenate([[True], np.diff(keys[order]) != 0])
    firsts = np.empty(len(keys), dtype=np.int64)
    firsts[order] = order[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    return firsts


def _new_name(part: str, suffix: str) -> str:
    return f"{part}-{uuid.uuid4().hex}.{suffix}"
