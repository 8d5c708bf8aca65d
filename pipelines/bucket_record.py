"""Record of the inputs of a bucket's files, from which the next rollover decides whether it can continue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from events.log import EventLog
from events.manifest import News
from features.engines.engine import Report
from features.moments import Moments
from features.store.periods import Period, periods_between
from pipelines.bucket_work import REPORT, BucketWork
from storage.digests import digest_of
from storage.parquet import replace_parquet

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


def periods_of(log: EventLog, work: BucketWork) -> dict[Period, str]:
    """Return for each period the digest of the bucket's events that its moments can see."""
    first = log.first_occurred_at()
    periods = () if first is None else periods_between(first, work.as_of)
    digests = log.bucket_digests(work.bucket, [period.last_month for period in periods])
    return dict(zip(periods, digests, strict=True))


def part_key(work: BucketWork, digest: str, moments: Moments) -> str:
    """Return the digest of all inputs of a period's rows."""
    return digest_of(digest, work.definitions, moments.digest)
