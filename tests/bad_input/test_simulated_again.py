"""A simulated bank whose settings change: its customers have the names of those before, and are others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.importing import import_events
from tests.pipelines.small_bank import SmallBank


def test_another_world_begins_its_log_anew_instead_of_mixing_with_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = SmallBank.write(tmp_path, customers=20, months=1)
    bank.use(monkeypatch)
    first = import_events(str(bank.folder))
    bank.replace("simulation.yaml", "seed: 7", "seed: 8")
    second = import_events(str(bank.folder))
    assert second["digest"] != first["digest"]
    assert "event_id_conflict" not in second["files"][-1]["reasons"]
    assert second["events"] == second["files"][-1]["accepted"]
    # whether the files are those of a simulation is asked of them, not of the results that are kept
    bank.replace("simulation.yaml", "seed: 8", "seed: 7")
    assert import_events(str(bank.folder))["digest"] == first["digest"]
