"""The importer quarantines the planted rows, and nothing else."""

from __future__ import annotations

from pathlib import Path

from events.importing import import_sources
from events.log import EventLog
from tests.simulation.demo_bank import DemoBank


def test_the_importer_accepts_every_row_but_the_planted_ones(demo: DemoBank, tmp_path: Path) -> None:
    report = demo.simulate(tmp_path / "sources")
    log = EventLog(tmp_path / "log")
    imported = import_sources(
        log, demo.sources, demo.vocabulary, tmp_path / "sources", tmp_path / "quarantine", now=report.end
    )
    assert log.count() == sum(file.accepted for file in imported.files) == report.events
    assert sum(sum(file.reasons.values()) for file in imported.files) == sum(report.dirty.values())
    doubled = {file.file: file.duplicates for file in imported.files if file.duplicates}
    assert doubled == {"touchpoints/2025-02_again.csv.gz": report.redelivered}
