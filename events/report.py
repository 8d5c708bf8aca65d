"""What came of an import: for every row of every file, one of four."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import SourceError
from events.quarantine import Reason, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """Rows of one file of one source: read = accepted + duplicates + skipped + quarantined.

    Attributes:
        read: Rows below the header (blank lines do not count).
        duplicates: Rows whose event is in the log already.
        skipped: Rows that the mapping leaves out on purpose.
        reasons: Quarantined rows by reason.
        parts: Attributes and other fields that do not fit and were left out of rows that were accepted, by reason.
        first: The first row in quarantine, if there is one.
        warnings: What is to be looked at in rows that were accepted -> in how many.
    """

    source: str
    file: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    parts: Mapping[Reason, int] = field(default_factory=dict)
    first: Rejection | None = None
    warnings: Mapping[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine, for whatever reason."""
        return sum(self.reasons.values())

    @property
    def all_quarantined(self) -> bool:
        """Whether there were rows and none of them was an event or left out on purpose."""
        return self.read > 0 and self.quarantined == self.read


class NothingAcceptedError(SourceError):
    """Files whose rows are all in quarantine; what else there was is imported.

    Args:
        files: Their counts.
        quarantine: Where the rows are.

    Attributes:
        first: Source, file and first row of each. They name customers, and are no part of the message.
    """

    def __init__(self, files: Sequence[FileCounts], quarantine: Path | None) -> None:
        self.first = [(counts.source, counts.file, counts.first) for counts in files if counts.first is not None]
        named = ", ".join(
            f"'{counts.file}' (first row {counts.first and counts.first.row}: {', '.join(counts.reasons)})"
            for counts in files
        )
        super().__init__(
            "files of which nothing could be accepted",
            got=named,
            remedy=f"look into {quarantine}, correct sources.yaml or have them delivered again, and import again",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Counts of an import.

    Attributes:
        files: One for each, in the order of the sources and of the files' names.
        quarantine: File of the quarantined rows; None where there are none.
        replaced: Events that left the log because their rows are read by another mapping now.

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
        """All files together."""
        return _sum("all sources", self.files)

    def require_something_of_every_file(self) -> None:
        """Fail where a file had rows and none was accepted.

        Raises:
            NothingAcceptedError: With the first row of each such file.
        """
        nothing = [counts for counts in self.files if counts.all_quarantined]
        if nothing:
            raise NothingAcceptedError(nothing, self.quarantine)

    @property
    def by_source(self) -> tuple[FileCounts, ...]:
        """The files of each source together, in the order of the sources."""
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
        file=f"{len(files)} files",
        read=sum(counts.read for counts in files),
        accepted=sum(counts.accepted for counts in files),
        duplicates=sum(counts.duplicates for counts in files),
        skipped=sum(counts.skipped for counts in files),
        reasons=dict(reasons),
        parts=dict(parts),
    )
