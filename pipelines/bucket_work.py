"""One bucket of customers as a piece of work: small and complete, for it travels."""

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
from pipelines.digests import digest_of

REPORT: Final = "report"
"""Where the note of a bucket's states keeps the report of all its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """One bucket: what to read, what to compute, and where to put it. Small and complete, for it travels.

    Attributes:
        key: Digest of everything that the files depend on.
        definitions: Digest of whatever decides how events become features.
        as_of: Stage history and moments reach up to here.
        midnight: Of the states: the local one that begins the day of `as_of`.
        anchors: Moments at which churn is asked.
        log: Folder of the event log; every worker sees this and the folders below under the same name.
        parts: Features of past moments.
        present: Fingerprints of the bucket's parts that are there.
        states: States of `midnight`.
        stage_history: Stages that customers went through.
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
        """Where its stage history is."""
        return self.stage_history / f"{self.name}.parquet"

    @property
    def midnight_utc(self) -> np.datetime64:
        """The midnight of the states."""
        return utc_microseconds(self.midnight)

    @property
    def foundation(self) -> str:
        """Digest of what decides how events become files, whatever they are and up to when they are known."""
        return digest_of(self.definitions, [offer.name for offer in self.bank.offers], self.anchors.tolist())

    def done(self) -> Report | None:
        """Give the report of files that are there and up to date; None where some are not."""
        note = self.states.note(self.name)
        report: Report | None = None if note is None else note.get(REPORT)
        if report is None or report["key"] != self.key or not self.history_file.exists():
            return None
        return report if self.has(report["parts"]) else None

    def has(self, parts: Mapping[str, str]) -> bool:
        """Tell whether all parts are there with these fingerprints."""
        return all(self.present.get(part) == key for part, key in parts.items())


def part_name(bucket: int) -> str:
    """Name of a bucket's files."""
    return f"bucket-{bucket:03d}"
