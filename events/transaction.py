"""One commit to the event log: its appends become visible all at once, or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.erased import Erased, kept_rows
from events.fingerprints import Lanes, bucket_of, combine, content_fingerprints, text_fingerprints
from events.identities import Identities, among, identities_of, look_up, merged, read_run, write_run
from events.manifest import Generation, ImportedFile, Manifest, News, Run, Segment, file_digest
from events.mapped import mapped_file, write_mapped
from events.news import news_of, news_together
from events.origins import Earlier, Ids, Origins
from events.removing import without_events
from events.schema import SCHEMA, conform, one_chunk
from events.segments import in_order, joined, order_of, read_segment, segment_of, write_segment
from events.tiers import parts_to_merge
from storage.atomic import sync

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AppendCounts:
    """Outcome of an append; accepted + duplicates + conflicts are all of its rows.

    Attributes:
        accepted: Number of new events.
        duplicates: Number of rows whose id the log (or an earlier row) has with the same content, or whose customer was
            erased after the event occurred.
        conflict_rows: Positions in the appended table of rows whose id has other content; they are not appended.
        logged_rows: Positions of the rows whose events are in the log now.
        ids: First lane of the fingerprints of their ids.
    """

    accepted: int
    duplicates: int
    conflict_rows: NDArray[np.int64]
    logged_rows: NDArray[np.int64] = field(repr=False)
    ids: NDArray[np.uint64] = field(repr=False)

    @property
    def conflicts(self) -> int:
        """Number of rows whose id has other content."""
        return len(self.conflict_rows)


class Transaction:
    """Appends that are committed together; made by `EventLog.transaction`.

    Accepted events are collected in memory, then written to segments of this commit, which are merged at the end.
    Memory is bounded by the collected rows (about 300 bytes each), 16 bytes for every event appended in the commit, and
    the largest bucket that is merged.

    Attributes:
        erased: Customers erased before the log was locked.
        replaced: Number of events that the commit removed or replaced.
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
        self._origins: dict[str, Origins] = {}
        self._earlier: dict[tuple[str, str], Earlier] = {}
        self._rewritten = np.zeros(0, dtype=np.uint64)
        self.replaced = 0

    def append(self, table: pa.Table, rewrites: Callable[[Rows, Ids], NDArray[np.bool_]] | None = None) -> AppendCounts:
        """Append events that are not in the log yet and whose customers were not erased since they occurred.

        Args:
            table: Columns of `events.schema.SCHEMA`, in any order of rows.
            rewrites: Returns for rows and their ids whether they may replace the content of the logged event with that
                id. None if no row may.

        Raises:
            DataError: The table does not fit the schema.
        """
        events = conform(table)
        kept, appended = kept_rows(events, self.erased), len(events)
        if len(kept) < appended:
            events = events.take(pa.array(kept))
        ids = text_fingerprints(one_chunk(events["event_id"])) if len(events) else np.zeros((0, 2), dtype=np.uint64)
        contents = combine(content_fingerprints(events), ids)
        known, known_contents = look_up([*self._committed_runs, *self._own_runs], ids)
        first_row = _first_rows(ids[:, 0])
        repeated = first_row != np.arange(len(ids))
        rewritten = np.zeros(len(ids), dtype=bool)
        if rewrites is not None:
            other = np.flatnonzero(known & ~repeated & (known_contents != contents[:, 0]))
            other = other[~among(ids[other, 0], self._rewritten)]
            rewritten[other] = rewrites(kept[other], ids[other, 0])
            self._rewritten = np.append(self._rewritten, ids[rewritten, 0])
        known_contents = np.where(known & ~rewritten[first_row], known_contents, contents[first_row, 0])
        seen = (known & ~rewritten) | repeated
        conflicts = np.flatnonzero(seen & (known_contents != contents[:, 0]))
        new = np.flatnonzero(~seen)
        if len(new):
            self._keep(events.take(pa.array(new)), ids[new], contents[new])
        logged = np.delete(np.arange(len(events)), conflicts)
        return AppendCounts(
            len(new), appended - len(new) - len(conflicts), kept[conflicts], kept[logged], ids[logged, 0]
        )

    def origins(self, source: str, mapping: str, columns: tuple[str, ...], sources: Container[str]) -> Origins:
        """Start reading a source; as its rows are read, their events by earlier mappings are superseded.

        Args:
            source: Name of the source.
            mapping: Digest of the present mapping.
            columns: Columns that the mapping reads.
            sources: Names of all sources of the bank.
        """
        present, earlier = None, []
        for name, generations in self._manifest.origins.items():
            for generation in generations:
                if name == source and generation.mapping == mapping:
                    present = generation
                elif generation.runs and (name == source or name not in sources):
                    key = (name, generation.mapping)
                    if key not in self._earlier:
                        self._earlier[key] = Earlier(self._folder, generation)
                    earlier.append(self._earlier[key])
        self._origins[source] = Origins(self._folder, mapping, columns, present, earlier)
        return self._origins[source]

    def imported(self, digest: str) -> ImportedFile | None:
        """Return the counts of a source file that was imported before; None for a new one."""
        return self._imported.get(digest) or self._manifest.imported.get(digest)

    def was_imported_without_origins(self, content: str) -> bool:
        """Return whether a file, given by its digest, was imported by a release that did not note events' origins."""
        imported = self._manifest.imported
        return not self._manifest.origins and any(digest.startswith(file_digest(content, "")) for digest in imported)

    def remember(self, digest: str, counts: ImportedFile) -> None:
        """Note a source file as imported, in this commit."""
        self._imported[digest] = counts

    def commit(self) -> None:
        """Make everything visible by replacing the manifest; write nothing if nothing is new."""
        self._flush()
        origins = self._merged_origins()
        outdated = self._outdated()
        imported = {
            digest: counts
            for digest, counts in {**self._manifest.imported, **self._imported}.items()
            if not digest.endswith(outdated)
        }
        if not self._pending and imported == self._manifest.imported and origins == self._manifest.origins:
            return
        kept, gone = self._without_superseded()
        segments = self._merged_segments(kept)
        runs = self._merged_runs(np.concatenate([gone, self._rewritten]))
        manifest = Manifest(
            buckets=self._manifest.buckets, segments=segments, runs=runs, imported=imported, origins=origins
        )
        written = manifest.files - self._manifest.files
        for file in sorted(written):
            sync(self._folder / file)
        for segment in segments:
            if segment.file in written:
                sync(mapped_file(self._folder / segment.file))
        manifest.write(self._folder)
        self.replaced = len(gone)

    def _merged_origins(self) -> dict[str, tuple[Generation, ...]]:
        """Write the rest of earlier generations, and the present ones."""
        merged: dict[str, tuple[Generation, ...]] = {}
        for name in dict.fromkeys((*self._manifest.origins, *self._origins)):
            present = self._origins.get(name)
            left: list[Generation] = []
            for generation in self._manifest.origins.get(name, ()):
                earlier = self._earlier.get((name, generation.mapping))
                rest = generation if earlier is None else earlier.left()
                if rest is not None and not (present and generation.mapping == present.mapping):
                    left.append(rest)
            if present is not None:
                left.append(present.generation())
            if left:
                merged[name] = tuple(left)
        return merged

    def _outdated(self) -> tuple[str, ...]:
        """Return suffixes of replaced mappings: if one comes back, its files are read again."""
        mappings = {mapping for (_, mapping), earlier in self._earlier.items() if earlier.touched}
        mappings |= {
            generation.mapping for name in self._origins for generation in self._manifest.origins.get(name, ())
        }
        mappings -= {origins.mapping for origins in self._origins.values()}
        return tuple(file_digest("", mapping) for mapping in sorted(mappings))

    def _without_superseded(self) -> tuple[list[Segment], NDArray[np.uint64]]:
        """Remove events of earlier mappings that no row gives now; return the segments left and the ids removed."""
        nothing = np.zeros(0, dtype=np.uint64)
        superseded = np.concatenate(
            [nothing, *(ids for earlier in self._earlier.values() for ids in earlier.superseded())]
        )
        if len(superseded):
            for ids in self._live():
                superseded = superseded[~among(superseded, ids)]
        superseded = np.concatenate([superseded, self._rewritten])
        if not len(superseded):
            return list(self._manifest.segments), superseded
        kept, found = [], [nothing]
        for segment in self._manifest.segments:
            left, gone = without_events(self._folder, segment, superseded)
            kept += [left] if left is not None else []
            found.append(gone)
        return kept, np.concatenate(found)

    def _live(self) -> Iterator[Ids]:
        """Yield the ids of events that come of rows by the present state of the mappings."""
        for origins in self._origins.values():
            yield from origins.live()
        for earlier in self._earlier.values():
            yield from earlier.live()
        for name, generations in self._manifest.origins.items():
            for generation in generations:
                read = (name, generation.mapping) in self._earlier or (
                    name in self._origins and self._origins[name].mapping == generation.mapping
                )
                if not read:
                    yield from (read_run(self._folder / run.file)[2] for run in generation.runs)

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

    def _merged_segments(self, kept: Sequence[Segment]) -> tuple[Segment, ...]:
        fresh = {segment.bucket for segment in self._pending}
        segments = [segment for segment in kept if segment.bucket not in fresh]
        for bucket in sorted(fresh):
            of_bucket = [s for s in (*kept, *self._pending) if s.bucket == bucket]
            count = parts_to_merge([segment.rows for segment in of_bucket])
            segments += of_bucket[:-count]
            segments.append(of_bucket[-1] if count == 1 else self._merge(of_bucket[-count:]))
        return tuple(segments)

    def _merge(self, parts: list[Segment]) -> Segment:
        tables = [read_segment(self._folder / part.file, SCHEMA.names) for part in parts]
        return self._write(parts[0].bucket, in_order(pa.concat_tables(tables)), news_together(parts))

    def _merged_runs(self, gone: NDArray[np.uint64]) -> tuple[Run, ...]:
        """Merge ids as tiers; after a removal of events merge all, so that removed events count as new."""
        runs, committed = self._manifest.runs, self._committed_runs
        if len(gone) and committed:
            together = merged(committed)
            runs, committed = (), [together[:, ~among(together[0], gone)]]
        elif not self._own_runs:
            return runs
        own = merged(self._own_runs) if self._own_runs else committed[0][:, :0]
        kept = len(runs) + 1 - parts_to_merge([*(run.rows for run in runs), own.shape[1]])
        run = merged([*committed[kept:], own])
        file = _new_name("ids", "npy")
        write_run(self._folder / file, run)
        return (*runs[:kept], Run(file=file, rows=run.shape[1]))

    def _write(self, bucket: int, events: pa.Table, news: Mapping[str, News]) -> Segment:
        file = _new_name(f"bucket-{bucket:04d}", "parquet")
        write_segment(self._folder / file, events)
        write_mapped(self._folder / file, events)
        return segment_of(file, bucket, events, news)


def remove_leftovers(folder: Path, files: Iterable[str]) -> None:
    """Remove segments and runs that do not belong to the log: those of dead writers, and merged ones.

    They stay until the next append, so that a reader who began before a merge can finish.
    """
    belong = {name for file in files for name in (file, mapped_file(Path(file)).name)}
    for pattern in ("bucket-*.parquet", "bucket-*.arrow", "ids-*.npy", "rows-*.npy", "*.new"):
        for file in folder.glob(pattern):
            if file.name not in belong:
                file.unlink()


def _merge_newest(runs: list[Identities]) -> list[Identities]:
    count = parts_to_merge([run.shape[1] for run in runs])
    return runs if count == 1 else [*runs[:-count], merged(runs[-count:])]


def _first_rows(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each row the first row with the same key."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    begins = np.concatenate([[True], np.diff(keys[order]) != 0])
    firsts = np.empty(len(keys), dtype=np.int64)
    firsts[order] = order[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    return firsts


def _new_name(part: str, suffix: str) -> str:
    return f"{part}-{uuid.uuid4().hex}.{suffix}"
