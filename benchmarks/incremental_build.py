"""One build of all buckets' features, as the flow does it, in this process: what `benchmarks.incremental` measures."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pandas as pd  # noqa: F401  # pyarrow imports it in the middle of the first build otherwise

from config.reading import load_bank
from events.log import EventLog
from features.bucket.build import compute_bucket
from features.bucket.work import BucketWork, part_name
from features.calendar import Calendar
from features.store.parts import FeatureParts
from features.store.state_files import StateFiles
from models.labels import anchors
from storage.digests import digest_of

BANK = Path(__file__).parent.parent / "banks" / "demo"
PARTS, STATES, STAGES = "parts", "states", "stage_history"


def build(log_folder: Path, home: Path, midnight: datetime) -> None:
    """Compute every bucket whose files are not up to date, as of a local midnight."""
    bank, log = load_bank(BANK), EventLog(log_folder)
    midnight = midnight.replace(tzinfo=bank.time_zone)
    first, label = log.first_occurred_at(), bank.models.churn
    assert label is not None, "the demo defines churn"
    assert first is not None, "the benchmark has filled the log"
    schema = {name: one.type for name, one in bank.features.features.items() if not one.internal}
    parts, states = FeatureParts(home / PARTS, schema), StateFiles(home / STATES)
    present = parts.fingerprints()
    for bucket in range(log.buckets):
        work = BucketWork(
            bucket=bucket,
            key=digest_of(log.bucket_digest(bucket), midnight, bucket),
            definitions="those of the benchmark",
            features=bank.feature_definitions,
            vocabulary=bank.vocabulary,
            offers=bank.offers,
            as_of=midnight,
            midnight=midnight,
            anchors=anchors(first, midnight, bank.models.training, label, Calendar(bank.time_zone)),
            log=log.folder,
            parts=parts,
            present={part: key for part, key in present.items() if part.startswith(f"{part_name(bucket)}.")},
            states=states,
            stage_history=home / STAGES,
        )
        if work.done() is None:
            compute_bucket(work)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
