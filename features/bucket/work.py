"""The work of building features for one bucket of customers, and the record of what its files were made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.offer import Offer
from events.log import EventLog
from events.manifest import News
from events.vocabulary import Vocabulary
from features.catalogue import FeatureDefinitions
from features.engines.engine import Report
from features.moments import Moments, utc_microseconds
from features.store.parts import FeatureParts
from features.store.periods import StoredPeriod, periods_between
from features.store.state_files import StateFiles
from storage.digests import digest_of
from storage.parquet import replace_parquet

REPORT: Final = "report"
"""Key of the report of all files in the note of a bucket's states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """One bucket: what to read, what to compute, and where to write it. Small and complete, to be sent to workers.

    Attributes:
        bucket: Number of the bucket.
        key: Digest of everything that the files depend on.
        definitions: Digest of everything that determines how events become features.
        features: The bank's feature definitions.
        vocabulary: Its event types.
        offers: Its offers, whose contacts are training moments.
        as_of: End of stage history and moments.
        midnight: Local midnight of the states, which begins the day of `as_of`.
        anchors: Moments at which churn is predicted.
        log: Folder of the event log; every worker sees this and the folders below under the same name.
        parts: Files of the features of past moments.
        present: Fingerprints of the bucket's existing parts.
        states: Files of the states of `midnight`.
        stage_history: Folder of the stages that customers went through.
    """

    bucket: int
    key: str
    definitions: str
    features: FeatureDefinitions
    vocabulary: Vocabulary
    offers: tuple[Offer, ...]
    as_of: datetime
    midnight: datetime
    anchors: NDArray[np.datetime64]
    log: Path
    parts: FeatureParts
    present: Mapping[str, str]
    states: StateFiles
    stage_history: Path

    @property
    def name(self) -> str:
        """Name of the bucket's files."""
        return part_name(self.bucket)

    @property
    def history_file(self) -> Path:
        """File of the stage history."""
        return self.stage_history / f"{self.name}.parquet"

    @property
    def midnight_utc(self) -> np.datetime64:
        """The midnight of the states, UTC microseconds."""
        return utc_microseconds(self.midnight)

    @property
    def foundation(self) -> str:
        """Digest of everything that determines the files except the events themselves and `as_of`."""
        return digest_of(self.definitions, [offer.name for offer in self.offers], self.anchors.tolist())

    def done(self) -> Report | None:
        """Return the report if all files exist and are up to date, else None."""
        note = self.states.note(self.name)
        report: Report | None = None if note is None else note.get(REPORT)
        if report is None or report["key"] != self.key or not self.history_file.exists():
            return None
        return report if self.has(report["parts"]) else None

    def has(self, parts: Mapping[str, str]) -> bool:
        """Return whether all parts exist with these fingerprints."""
        return all(self.present.get(part) == key for part, key in parts.items())


def part_name(bucket: int) -> str:
    """Return the name of a bucket's files."""
    return f"bucket-{bucket:03d}"


_STAMP: Final = b"nbo.stages"


@dataclass(frozen=True, slots=True)
class Record:
    """Inputs of a bucket's files.

    Attributes:
        foundation: `BucketWork.foundation`.
        as_of: End of the moments.
        known: Number and content of the events that were available before the midnight of the states.
    """

    foundation: str
    as_of: datetime
    known: News

    @property
    def stamp(self) -> str:
        """Digest of the inputs, stored in the stage history."""
        return digest_of(self.foundation, self.as_of.astimezone(UTC), self.known)

    def note(self, report: Report) -> dict[str, Any]:
        """Return the note to be written with the states."""
        made_from = {
            "foundation": self.foundation,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "known": list(self.known),
        }
        return {REPORT: report, **made_from}

    @classmethod
    def read(cls, note: Mapping[str, Any]) -> Record:
        """Read a record from the result of `note`."""
        rows, first, second = note["known"]
        return cls(note["foundation"], datetime.fromisoformat(note["as_of"]), (rows, first, second))


def write_history(work: BucketWork, stages: pa.Table, record: Record) -> None:
    """Write the stage history, stamped with its inputs."""
    replace_parquet(work.history_file, stages.replace_schema_metadata({_STAMP: record.stamp.encode()}))


def read_history_of(work: BucketWork, record: Record) -> pa.Table | None:
    """Read the stage history; None if it is missing, damaged, or made from other inputs."""
    try:
        stages = pq.ParquetFile(work.history_file).read()
    except (OSError, pa.ArrowInvalid):
        return None
    return stages if (stages.schema.metadata or {}).get(_STAMP) == record.stamp.encode() else None


def periods_of(log: EventLog, work: BucketWork) -> dict[StoredPeriod, str]:
    """Return for each period the digest of the bucket's events that its moments can see."""
    first = log.first_occurred_at()
    periods = () if first is None else periods_between(first, work.as_of)
    digests = log.bucket_digests(work.bucket, [period.last_month for period in periods])
    return dict(zip(periods, digests, strict=True))


def part_key(work: BucketWork, digest: str, moments: Moments) -> str:
    """Return the digest of all inputs of a period's rows."""
    return digest_of(digest, work.definitions, moments.digest)
