"""Move decisions that are old enough out of the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import flow

from pipelines.steps import StepResult
from serving.archive.archiving import archive_decisions, remove_explanations
from wiring.bank_time import bank_now
from wiring.parts import parts_anew


@flow(name="archive-decisions", timeout_seconds=5 * 3600)
def archive_old_decisions(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Remove records whose time is over, then move old decisions to the archive; nothing where the bank keeps all."""
    parts = parts_anew(bank_folder)
    retention, now = parts.bank.retention, as_of or bank_now(parts)
    removed = decisions = files = 0
    if retention.explanations_days is not None:
        removed = remove_explanations(parts.database, now - timedelta(days=retention.explanations_days))
    if retention.decisions_days is not None:
        before = now - timedelta(days=retention.decisions_days)
        decisions, files = archive_decisions(parts.database, parts.places.decisions_archive, now, before)
    return {"decisions": decisions, "files": files, "explanations": removed, "as_of": now.isoformat()}
