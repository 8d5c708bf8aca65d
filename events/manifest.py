"""What belongs to a log: the one file whose replacement commits an append."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from domain.errors import StateError
from events.durable import replace_text

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


News = tuple[int, int, int]
"""Number of events, and their content in two lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A Parquet file of one bucket, sorted by customer, time and id.

    Attributes:
        file: Name below the log's folder.
        content: Sum of the fingerprints of its events, in two lanes, modulo 2^64; sums of segments add up.
        news: Month (UTC, `2026-05`) -> number and content of the events that became available in it; under "", before
            every month, those of a log that was written when this was not noted.
        first_occurred_at: Microseconds since 1970, UTC; so is `last_available_at`.
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
class ImportedFile:
    """What came of a source file that was imported before with the same mapping and left nothing in quarantine."""

    read: int
    events: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The log as of its last commit.

    Attributes:
        version: Of the format.
        imported: Source files by digest of content and mapping.
    """

    buckets: int
    segments: tuple[Segment, ...] = ()
    runs: tuple[Run, ...] = ()
    imported: Mapping[str, ImportedFile] = field(default_factory=dict)
    version: int = FORMAT_VERSION

    def with_commit(
        self, segments: tuple[Segment, ...], runs: tuple[Run, ...], imported: Mapping[str, ImportedFile]
    ) -> Manifest:
        """Take over what an append changed."""
        return replace(self, segments=segments, runs=runs, imported={**self.imported, **imported})

    @property
    def files(self) -> frozenset[str]:
        """Names of all files that belong to the log."""
        return frozenset((*(part.file for part in self.segments), *(part.file for part in self.runs)))

    def of_bucket(self, bucket: int) -> tuple[Segment, ...]:
        """The bucket's segments, the oldest first."""
        return tuple(segment for segment in self.segments if segment.bucket == bucket)

    def write(self, folder: Path) -> None:
        """Replace the folder's manifest in one step."""
        replace_text(folder / MANIFEST, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path, buckets: int) -> Manifest:
        """Read the folder's manifest; of a folder without one, an empty log with that many buckets.

        Raises:
            StateError: The manifest is damaged, or written in another format.
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
            )
        except FileNotFoundError:
            return cls(buckets=buckets)
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"the manifest of the event log in {folder} is damaged",
                got=str(error),
                remedy="restore it from a backup, or remove the folder and import again",
            ) from error


def _segment(part: dict[str, Any]) -> Segment:
    first, second = part["content"]
    told = part.get("news", {"": [part["rows"], first, second]})
    news = {month: (int(rows), int(one), int(other)) for month, (rows, one, other) in told.items()}
    return Segment(**{**part, "content": (int(first), int(second)), "news": news})
