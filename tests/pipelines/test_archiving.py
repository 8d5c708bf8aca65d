"""The flow on a copy of the demo bank: from the database to files, and found by whoever asks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from decisioning.engine import DecisionContext
from pipelines.archiving import archive_old_decisions
from tests.pipelines.small_bank import DEMO
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log
from wiring.components import Components, reload_components

NOW = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture
def components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Components:
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    folder = Path(shutil.copytree(DEMO, tmp_path / "bank"))
    (folder / "retention.yaml").write_text("decisions_days: 400\nexplanations_days: 100\n")
    components = reload_components(folder)
    decider, everybody = small_decider(), features_of_all(small_bank(), small_log(tmp_path / "log"))
    for days in (0, 200, 400):
        decided = decider.decide(
            everybody, DecisionContext(as_of=AS_OF + timedelta(days=days), seed=7, channels=["app"])
        )
        for row in range(len(decided)):
            components.decision_log.append(decider.record(decided, row, "app"), "state")
    return components


def test_a_bank_keeps_decisions_and_explanations_as_long_as_it_says(components: Components) -> None:
    told = archive_old_decisions(str(components.folder), NOW)
    assert (told["decisions"], told["files"], told["explanations"]) == (12, 1, 24)
    [file] = components.places.decisions_archive.rglob("*.parquet")
    assert file.parent.name == "month=03"
    assert pq.read_table(components.places.decisions_archive).num_rows == 12
    found = components.decision_log.of_customer("c05")
    assert [(one.as_of - AS_OF).days for one in found] == [400, 200, 0]
    assert [one.record is not None for one in found] == [True, False, False]
    assert components.decision_log.get(found[2].decision_id) == found[2]
    again = archive_old_decisions(str(components.folder), NOW)
    assert (again["decisions"], again["files"], again["explanations"]) == (0, 0, 0)


def test_a_bank_that_says_nothing_keeps_all(components: Components) -> None:
    (components.folder / "retention.yaml").unlink()
    told = archive_old_decisions(str(components.folder), NOW)
    assert (told["decisions"], told["files"], told["explanations"]) == (0, 0, 0)
    assert not components.places.decisions_archive.exists()


def test_a_simulated_banks_decisions_grow_old_in_its_own_time(components: Components) -> None:
    told = archive_old_decisions(str(components.folder))
    assert told["as_of"] == "2026-06-24T22:00:00+00:00"  # nothing is in its log, so the end of its life
    assert (told["decisions"], told["files"], told["explanations"]) == (0, 0, 12)
