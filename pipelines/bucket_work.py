"""The work of building features for one bucket of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from features.engines.engine import Report
from features.moments import utc_microseconds
from features.store.parts import FeatureParts
from features.store.state_files import StateFiles
from storage.digests import digest_of

REPORT: Final = "report"
"""Key of the report of all files in the note of a bucket's states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """One bucket: what to read, what to compute, and where to write it. Small and complete, to be sent to workers.

    Attributes:
        bucket: Number of the bucket.
        key: Digest of everything that the files depend on.
        definitions: Digest of everything that determines how events become features.
        bank: The bank.
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
    bank: Bank
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
        return digest_of(self.definitions, [offer.name for offer in self.bank.offers], self.anchors.tolist())

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
