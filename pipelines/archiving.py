"""The flow that moves old decisions out of the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import flow

from pipelines.steps import StepResult
from records.archive.archiving import archive_decisions, remove_explanations
from wiring.bank_time import bank_now
from wiring.components import reload_components


@flow(name="archive-decisions", timeout_seconds=5 * 3600)
def archive_old_decisions(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Remove expired explanations, then move old decisions to the archive; do nothing if the bank keeps all."""
    components = reload_components(bank_folder)
    retention, now = components.bank.retention, as_of or bank_now(components)
    removed = decisions = files = 0
    if retention.explanations_days is not None:
        removed = remove_explanations(components.database, now - timedelta(days=retention.explanations_days))
    if retention.decisions_days is not None:
        before = now - timedelta(days=retention.decisions_days)
        decisions, files = archive_decisions(components.database, components.places.decisions_archive, now, before)
    return {"decisions": decisions, "files": files, "explanations": removed, "as_of": now.isoformat()}
