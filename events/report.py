"""The report of an import: every row of every file is accepted, duplicate, skipped or quarantined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import SourceError
from events.quarantine import Reason, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """Counts of one file: read + further = accepted + duplicates + skipped + quarantined.

    Attributes:
        read: Rows below the header, without blank lines.
        duplicates: Rows whose event is already in the log.
        skipped: Rows that the mapping leaves out on purpose.
        further: Events that rows make beside their first, such as the answer to a contact.
        reasons: Quarantined rows by reason.
        parts: Fields that did not fit and were left out of accepted rows, by reason.
        first: The first quarantined row, if any.
        warnings: Suspicious findings in accepted rows -> number of rows.
    """

    source: str
    file: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    further: int = 0
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    parts: Mapping[Reason, int] = field(default_factory=dict)
    first: Rejection | None = None
    warnings: Mapping[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Number of quarantined rows, for whatever reason."""
        return sum(self.reasons.values())

    @property
    def all_quarantined(self) -> bool:
        """Whether there were rows and all of them were quarantined."""
        return self.read > 0 and self.quarantined == self.read + self.further


class NothingAcceptedError(SourceError):
    """All rows of some files are in quarantine; everything else was imported.

    Args:
        files: Counts of these files.
        quarantine: File of the quarantined rows.

    Attributes:
        first: Source, file and first row of each. They name customers, so the message leaves them out.
    """

    def __init__(self, files: Sequence[FileCounts], quarantine: Path | None) -> None:
        self.first = [(counts.source, counts.file, counts.first) for counts in files if counts.first is not None]
        named = ", ".join(
            f"'{counts.file}' (first row {counts.first and counts.first.row}: {', '.join(counts.reasons)})"
            for counts in files
        )
        super().__init__(
            "no row of some files could be accepted",
            got=named,
            remedy=f"look into {quarantine}, correct sources.yaml or have the files delivered again, and import again",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Counts of an import.

    Attributes:
        files: Counts of each file, in the order of the sources and of the files' names.
        quarantine: File of the quarantined rows; None if there are none.
        replaced: Number of events that left the log because another mapping reads their rows now.

    Example:
        >>> counts = FileCounts(source="crm", file="a.csv", read=3, accepted=2, reasons={Reason.TYPE_UNKNOWN: 1})
        >>> ImportReport(files=(counts, counts), quarantine=None).total.read
        6
    """

    files: tuple[FileCounts, ...]
    quarantine: Path | None
    replaced: int = 0

    @property
    def total(self) -> FileCounts:
        """Counts of all files together."""
        return _sum("all sources", self.files)

    def require_something_of_every_file(self) -> None:
        """Fail if a file had rows and none was accepted.

        Raises:
            NothingAcceptedError: With the first row of each such file.
        """
        nothing = [counts for counts in self.files if counts.all_quarantined]
        if nothing:
            raise NothingAcceptedError(nothing, self.quarantine)

    @property
    def rows(self) -> list[dict[str, str | int]]:
        """Counts of each source, and of all together, as rows of a table."""
        return [
            {
                "source": counts.source,
                "files": counts.file,
                "rows": counts.read,
                "further events": counts.further,
                "accepted": counts.accepted,
                "duplicates": counts.duplicates,
                "skipped": counts.skipped,
                "quarantined": counts.quarantined,
                "unfit values": sum(counts.parts.values()),
                "reasons": ", ".join(
                    f"{reason}: {count}" for reason, count in (Counter(counts.reasons) + Counter(counts.parts)).items()
                ),
            }
            for counts in (*self.by_source, self.total)
        ]

    @property
    def by_source(self) -> tuple[FileCounts, ...]:
        """Counts of each source's files together, in the order of the sources."""
        names = dict.fromkeys(counts.source for counts in self.files)
        return tuple(_sum(name, tuple(counts for counts in self.files if counts.source == name)) for name in names)


def _sum(source: str, files: tuple[FileCounts, ...]) -> FileCounts:
    reasons: Counter[Reason] = Counter()
    parts: Counter[Reason] = Counter()
    for counts in files:
        reasons.update(counts.reasons)
        parts.update(counts.parts)
    return FileCounts(
        source=source,
        file=f"{len(files)} file{'' if len(files) == 1 else 's'}",
        read=sum(counts.read for counts in files),
        accepted=sum(counts.accepted for counts in files),
        duplicates=sum(counts.duplicates for counts in files),
        skipped=sum(counts.skipped for counts in files),
        further=sum(counts.further for counts in files),
        reasons=dict(reasons),
        parts=dict(parts),
    )
