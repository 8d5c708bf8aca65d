"""Importing a bank's source files into its event log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from domain.errors import DataError, SourceError
from events.chunks import Chunk
from events.columns import columns_of
from events.content_ids import ContentIds
from events.log import EventLog
from events.lookups import LookupTable, completed, lookups_of
from events.manifest import ImportedFile, file_digest
from events.mapping import Source
from events.origins import Origins
from events.part_mapper import MappedRows
from events.quarantine import Quarantine, Reason, Rejection, without_erased
from events.reading import read_chunks
from events.report import FileCounts, ImportReport
from events.rows import RowMapper
from events.source_files import SourceFile, find_files
from events.transaction import Transaction
from events.vocabulary import Vocabulary

READING: Final = 3
"""Version of reading; a release that reads the same rows by the same mapping differently increases it."""

Progress = Callable[[int, int, int], None]
"""Called with the rows read so far, the bytes read so far, and the bytes of all files."""


def import_sources(
    log: EventLog,
    sources: Sequence[Source],
    vocabulary: Vocabulary,
    folder: Path,
    quarantine: Path,
    *,
    now: datetime,
    progress: Progress | None = None,
    fetched: Sequence[SourceFile] = (),
) -> ImportReport:
    """Import every file of every source in one commit: all or, on an error, nothing.

    A file that was imported before by the same mapping, without quarantined rows, is recognised by its digest; its
    events count as duplicates and it is not read again. Rows that another mapping of their source has read before are
    recognised, and their new events, if any, replace the earlier ones; see `events.origins`. Other writers of the log
    wait until the import is finished.

    Args:
        log: Event log, written in one commit.
        sources: Sources that `events.checks` has checked.
        vocabulary: Vocabulary of the bank.
        folder: Folder of the sources' files.
        quarantine: Folder for rows that cannot become events; see `events.quarantine`.
        now: Current time, aware; later events are quarantined.
        progress: Called after every chunk.
        fetched: Further files, which `events.fetching` has brought from elsewhere.

    Raises:
        SourceError: A file is missing, empty, damaged or does not fit its mapping, or a corrected mapping leaves
            nothing of it; nothing was imported.
        StateError: The log or the quarantine could not be written; the log is unchanged.
    """
    if now.tzinfo is None:
        raise DataError("the moment of an import needs a time zone", got=str(now))
    found = [*fetched, *find_files(sources, folder)]
    lookups = lookups_of(sources, found)
    files = [file for file in found if file.source.kind != "lookup"]
    with log.transaction() as transaction:
        names = {source.name for source in sources}
        origins = {
            source.name: transaction.origins(
                source.name, _mapping_digest(source, vocabulary, lookups.get(source.name)), columns_of(source), names
            )
            for source in sources
            if source.kind != "lookup"
        }
        with Quarantine(quarantine) as rejected:
            run = _Run(transaction, rejected, _Meter(progress, sum(file.size_bytes for file in files)))
            counts = tuple(
                _FileImport(
                    run,
                    file,
                    RowMapper(file.source, vocabulary, now, file.name),
                    origins[file.source.name],
                    lookups.get(file.source.name),
                ).run()
                for file in files
            )
    return ImportReport(files=counts, quarantine=rejected.file, replaced=transaction.replaced)


class _Meter:
    """Adds up progress over files."""

    def __init__(self, progress: Progress | None, bytes_total: int) -> None:
        self._progress = progress
        self._bytes_total = bytes_total
        self._rows = 0
        self._bytes_of_files_done = 0

    def chunk(self, rows: int, bytes_of_file: int) -> None:
        self._rows += rows
        if self._progress is not None:
            self._progress(self._rows, self._bytes_of_files_done + bytes_of_file, self._bytes_total)

    def file(self, size_bytes: int) -> None:
        self._bytes_of_files_done += size_bytes
        self.chunk(0, 0)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the files of one import share."""

    transaction: Transaction
    quarantine: Quarantine
    meter: _Meter


class _FileImport:
    """The import of one file."""

    def __init__(
        self, run: _Run, file: SourceFile, mapper: RowMapper, origins: Origins, lookup: LookupTable | None
    ) -> None:
        self._file = file
        self._mapper = mapper
        self._ids = ContentIds()
        self._transaction = run.transaction
        self._quarantine = run.quarantine
        self._meter = run.meter
        self._lookup = lookup
        self._content = file.digest()
        self._digest = file_digest(self._content, origins.mapping)
        self._origins = origins.file()
        self._read = self._accepted = self._duplicates = self._skipped = self._further = 0
        self._reasons: Counter[Reason] = Counter()
        self._parts: Counter[Reason] = Counter()
        self._warnings: Counter[str] = Counter()
        self._first: Rejection | None = None

    def run(self) -> FileCounts:
        before = self._transaction.imported(self._digest)
        if before is not None:
            self._read, self._duplicates, self._skipped = before.read, before.events, before.skipped
            self._further = before.events + before.skipped - before.read
            self._meter.chunk(before.read, self._file.size_bytes)
        else:
            for chunk in read_chunks(self._file):
                self._import(completed(chunk, self._file, self._lookup))
            self._refuse_to_lose_or_double()
            if not self._reasons and not self._parts:
                events = self._accepted + self._duplicates
                done = ImportedFile(read=self._read, events=events, skipped=self._skipped)
                self._transaction.remember(self._digest, done)
        self._meter.file(self._file.size_bytes)
        return FileCounts(
            source=self._file.source.name,
            file=self._file.name,
            read=self._read,
            accepted=self._accepted,
            duplicates=self._duplicates,
            skipped=self._skipped,
            further=self._further,
            reasons=dict(self._reasons),
            parts=dict(self._parts),
            first=self._first,
            warnings=dict(self._warnings),
        )

    def _import(self, chunk: Chunk) -> None:
        mapped = self._mapper.map(chunk.table)
        self._read += chunk.rows
        self._skipped += mapped.skipped + chunk.ignored
        self._further += mapped.further
        self._warnings.update(mapped.warnings)
        conflicts = self._append(chunk, mapped)
        rejections = [*chunk.broken, *(_rejection(chunk, *why) for why in (*mapped.rejected, *conflicts))]
        in_conflict = {row for row, *_ in conflicts}
        rejections += [
            _rejection(chunk, row, reason, detail, part)
            for row, part, reason, detail in mapped.parts
            if row not in in_conflict
        ]
        for rejection in sorted(rejections, key=lambda rejection: rejection.row):
            if rejection.part is None:
                self._reasons[rejection.reason] += 1
                self._first = self._first or rejection
            else:
                self._parts[rejection.reason] += 1
            kept = without_erased(rejection, self._transaction.erased, self._file.source)
            self._quarantine.add(self._file.source.name, self._file.name, kept)
        self._meter.chunk(chunk.rows, chunk.bytes_done)

    def _append(self, chunk: Chunk, mapped: MappedRows) -> list[tuple[int, Reason, str]]:
        """Append the events of rows; return the rows in conflict, with reason and detail."""
        events, positions = mapped.events, mapped.positions
        if "event_id" not in events.column_names:
            events = events.append_column("event_id", self._ids.next_ids(events))
        known = self._origins.known(chunk.as_read)
        counts = self._transaction.append(events, lambda rows, ids: known.gave(positions[rows], ids))
        self._accepted += counts.accepted
        self._duplicates += counts.duplicates
        self._origins.note(known, positions[counts.logged_rows], counts.ids)
        ids = events.column("event_id")
        return [
            (int(positions[row]), Reason.EVENT_ID_CONFLICT, f"event id '{ids[row].as_py()}'")
            for row in counts.conflict_rows.tolist()
        ]

    def _refuse_to_lose_or_double(self) -> None:
        """Stop before a mapping removes all events of a file, or adds a file to what an old release made of it."""
        name, source = self._file.name, self._file.source.name
        if self._origins.superseded and self._read + self._further == sum(self._reasons.values()):
            reason, first = next(iter(self._reasons)), self._first
            raise SourceError(
                f"the corrected mapping of source '{source}' can read nothing of file '{name}'",
                got=f"{self._read} rows for the quarantine, row {first and first.row} because of {reason}",
                expected=f"at least one event; earlier mappings gave {self._origins.superseded}",
                remedy="correct sources.yaml; nothing was imported, and the log is unchanged",
            )
        if self._accepted and self._transaction.was_imported_without_origins(self._content):
            raise SourceError(
                f"file '{name}' was imported by an earlier release, and reads differently now",
                got=f"{self._accepted} other events",
                expected="the events that are in the log",
                remedy="first import with sources.yaml as it was then, which records where events came from, then with "
                "the corrected one; or move the log away and import all files again",
            )


def _rejection(chunk: Chunk, row: int, reason: Reason, detail: str, part: str | None = None) -> Rejection:
    return Rejection(int(chunk.numbers[row]), reason, detail, chunk.raw(row), part)


def _mapping_digest(source: Source, vocabulary: Vocabulary, lookup: LookupTable | None) -> str:
    read = f"{READING}\n{source!r}\n{vocabulary!r}\n{lookup.digest if lookup else ''}"
    return blake2b(read.encode(), digest_size=16).hexdigest()
