"""One bucket's files in a folder of their own, which builds replace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from config.bank import Bank
from config.reading import load_bank
from events.log import EventLog
from features.bucket.build import BucketWork, compute_bucket
from features.engines.engine import Report
from features.store.parts import FeatureParts
from features.store.state_files import StateFiles
from tests.pipelines.small_bank import DEMO

BANK = load_bank(DEMO)
NAMES = ("activity_count_30d", "days_since_activity", "activity_decayed_count", "stage", "days_in_stage", "age")
SCHEMA = {name: BANK.features.schema[name] for name in NAMES}
ANCHORS = np.array(["2026-02-10", "2026-03-31", "2026-04-30", "2026-06-30", "2026-07-01"], "datetime64[us]")


def bank_in(zone: str) -> Bank:
    return replace(BANK, identity=replace(BANK.identity, time_zone=zone))


class Home:
    """One bucket's files, which builds replace."""

    def __init__(self, folder: Path, bank: Bank = BANK, anchors: np.ndarray = ANCHORS) -> None:
        self.log = EventLog(folder / "log", buckets=1)
        self.parts = FeatureParts(folder / "parts", SCHEMA)
        self.states = StateFiles(folder / "states")
        self.folder = folder
        self.bank = bank
        self.anchors = anchors
        self.report: Report = {}

    def work(self, midnight: datetime, as_of: datetime | None = None, definitions: str = "the same") -> BucketWork:
        until = as_of or midnight
        return BucketWork(
            bucket=0,
            key=f"{self.log.bucket_digest(0)} {until}",
            definitions=definitions,
            features=self.bank.feature_definitions,
            vocabulary=self.bank.vocabulary,
            offers=self.bank.offers,
            as_of=until,
            midnight=midnight,
            anchors=self.anchors[np.datetime64(until.astimezone(UTC).replace(tzinfo=None), "us") > self.anchors],
            log=self.log.folder,
            parts=self.parts,
            present=self.parts.fingerprints(),
            states=self.states,
            stage_history=self.folder / "stages",
        )

    def build(self, midnight: datetime, as_of: datetime | None = None, definitions: str = "the same") -> Report:
        self.report = compute_bucket(self.work(midnight, as_of, definitions))
        self.parts.remove_stale(self.report["parts"])
        return self.report

    def content(self) -> dict[str, bytes]:
        files = [*self.folder.glob("parts/*"), *self.folder.glob("stages/*")]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}

    def state(self) -> bytes:
        states = self.states.read("bucket-000")
        return repr((states.midnight, list(states.customer_ids))).encode() + states.matrix.tobytes()
