"""The manifest: lists the files of a log; replacing it commits an append."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from domain.errors import StateError
from storage.atomic import replace_text

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


Stamp = tuple[int, int, int]
"""Identifies a commit by the manifest's file attributes."""

News = tuple[int, int, int]
"""Number of events, and their content in two lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A Parquet file of one bucket, sorted by customer, time and id.

    Attributes:
        file: Name below the log's folder.
        content: Sum of the fingerprints of its events, in two lanes, modulo 2^64; sums of segments add up.
        news: Month (UTC, `2026-05`) -> number and content of the events that became available in it. The key "", before
            every month, holds those of a log written before months were noted.
        first_occurred_at: Microseconds since 1970, UTC.
        last_available_at: Microseconds since 1970, UTC.
    """

    file: str
    bucket: int
    rows: int
    content: tuple[int, int]
    news: Mapping[str, News]
    first_occurred_at: int
    last_available_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A file of sorted event ids, by fingerprint."""

    file: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Which events came from which rows of a source by one mapping; see `events.origins`.

    Attributes:
        mapping: Digest of the mapping.
        columns: Columns whose content identifies rows.
        runs: Files of pairs of row and event.
    """

    mapping: str
    columns: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def rows(self) -> int:
        """Number of pairs of a row and an event."""
        return sum(run.rows for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """Counts of a source file that was imported before by the same mapping, without quarantined rows."""

    read: int
    events: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The log as of its last commit.

    Attributes:
        imported: Source files by digests of content and mapping, as `file_digest` joins them.
        origins: Source -> its generations; empty in a log written before these were noted.
        version: Version of the format.
    """

    buckets: int
    segments: tuple[Segment, ...] = ()
    runs: tuple[Run, ...] = ()
    imported: Mapping[str, ImportedFile] = field(default_factory=dict)
    origins: Mapping[str, tuple[Generation, ...]] = field(default_factory=dict)
    version: int = FORMAT_VERSION

    @property
    def files(self) -> frozenset[str]:
        """Names of all files that belong to the log."""
        generations = (generation for of_source in self.origins.values() for generation in of_source)
        runs = (*self.runs, *(run for generation in generations for run in generation.runs))
        return frozenset((*(part.file for part in self.segments), *(run.file for run in runs)))

    def of_bucket(self, bucket: int) -> tuple[Segment, ...]:
        """Return the bucket's segments, oldest first."""
        return tuple(segment for segment in self.segments if segment.bucket == bucket)

    def write(self, folder: Path) -> None:
        """Replace the folder's manifest in one step."""
        replace_text(folder / MANIFEST, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path, buckets: int) -> Manifest:
        """Read the folder's manifest; a folder without one is an empty log with the given number of buckets.

        Raises:
            StateError: The manifest is damaged, or has another format.
        """
        file = folder / MANIFEST
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["version"] != FORMAT_VERSION:
                raise StateError(
                    f"the event log in {folder} has another format",
                    got=f"version {content['version']}",
                    expected=f"version {FORMAT_VERSION}",
                    remedy="read it with the release that wrote it, or import into a new folder",
                )
            return cls(
                buckets=content["buckets"],
                segments=tuple(_segment(part) for part in content["segments"]),
                runs=tuple(Run(**part) for part in content["runs"]),
                imported={digest: ImportedFile(**counts) for digest, counts in content["imported"].items()},
                origins={name: tuple(map(_generation, parts)) for name, parts in content.get("origins", {}).items()},
            )
        except FileNotFoundError:
            return cls(buckets=buckets)
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"the manifest of the event log in {folder} is damaged",
                got=str(error),
                remedy="restore it from a backup, or remove the folder and import again",
            ) from error


def file_digest(content: str, mapping: str) -> str:
    """Join the digests of a file's content and of its source's mapping."""
    return f"{content}-{mapping}"


def _generation(part: dict[str, Any]) -> Generation:
    runs = tuple(Run(**run) for run in part["runs"])
    return Generation(mapping=part["mapping"], columns=tuple(part["columns"]), runs=runs)


def _segment(part: dict[str, Any]) -> Segment:
    first, second = part["content"]
    by_month = part.get("news", {"": [part["rows"], first, second]})
    news = {month: (int(rows), int(low), int(high)) for month, (rows, low, high) in by_month.items()}
    return Segment(**{**part, "content": (int(first), int(second)), "news": news})


def stamp_of(folder: Path) -> Stamp | None:
    """Identify the last commit of a log without reading it; None before the first."""
    try:
        fact = (folder / MANIFEST).stat()
    except FileNotFoundError:
        return None
    return fact.st_mtime_ns, fact.st_size, fact.st_ino
