"""The import of the BPI Challenge 2012 log against the facts in the data's README."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pytest

from events.importing import import_sources
from events.log import EventLog
from events.mapping import Source
from events.vocabulary import EventType, Vocabulary

_ROOT = Path(__file__).parents[2]
_FOLDER = Path(os.environ.get("NBO_DATA") or _ROOT / "../shared/data") / "bpi2012"
_STATES = {
    "A_SUBMITTED": 13_087,
    "O_SENT": 7_030,
    "O_ACCEPTED": 2_243,
    "O_CANCELLED": 3_655,
    "O_DECLINED": 802,
    "A_DECLINED": 7_635,
    "A_CANCELLED": 2_807,
    "A_APPROVED": 2_246,
}


@pytest.mark.skipif(not _FOLDER.is_dir(), reason="no data: set NBO_DATA to a folder that has bpi2012/")
def test_the_counts_agree_with_the_readme_of_the_data(tmp_path: Path) -> None:
    types = {name.lower(): EventType(description="") for name in (*_STATES, "other")}
    source = Source(
        name="bpi2012",
        files=("bpi2012_events.parquet",),
        columns={"event_id": ("case_id", "seq"), "customer_id": "case_id", "occurred_at": "time", "type": "activity"},
        values={"type": {**_OTHERS, **{name: name.lower() for name in _STATES}}},
    )
    vocabulary = Vocabulary(channels=(), products=(), types=types)
    log = EventLog(tmp_path / "log")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    report = import_sources(log, [source], vocabulary, _FOLDER, tmp_path / "quarantine", now=now)
    assert (report.total.read, report.total.accepted) == (262_200, 262_200)
    assert log.customer_count == 13_087
    found = log.read_types([name.lower() for name in _STATES])
    counts = {row["values"]: row["counts"] for row in pc.value_counts(found["type"].cast("string")).to_pylist()}
    assert counts == {name.lower(): count for name, count in _STATES.items()}
    assert len(pc.unique(log.read_types(["o_sent"])["customer_id"])) == 5_015


_OTHERS = dict.fromkeys(
    (
        "A_PARTLYSUBMITTED",
        "A_PREACCEPTED",
        "A_ACCEPTED",
        "A_FINALIZED",
        "A_REGISTERED",
        "A_ACTIVATED",
        "O_SELECTED",
        "O_CREATED",
        "O_SENT_BACK",
        "W_Completeren aanvraag",
        "W_Nabellen offertes",
        "W_Nabellen incomplete dossiers",
        "W_Valideren aanvraag",
        "W_Afhandelen leads",
        "W_Beoordelen fraude",
        "W_Wijzigen contractgegevens",
    ),
    "other",
)
