"""Bring what the bank's systems delivered into the event log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from prefect import flow, task

from events.importing import import_sources
from pipelines.artefacts import keep_table
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step, may_pass
from simulation.simulate import simulate
from wiring.parts import parts_anew, parts_of
from wiring.progress import progress_of


@flow(name="import-events", timeout_seconds=3600)
def import_events(bank_folder: str) -> StepResult:
    """Import every source of a bank; where the bank is simulated, simulate it first."""
    parts = parts_anew(bank_folder)
    if parts.bank.simulation is not None:
        # what an offer earns is the bank's affair; its customers never see it
        seen = [replace(offer, value="0", cost=0.0, description="") for offer in parts.bank.offers]
        key = digest_of(parts.bank.simulation, seen, code_digest("simulation"))
        do(simulate_bank, key=key, present=parts.sources.exists(), bank_folder=bank_folder)
    return import_files(bank_folder)


@kept_step("simulate-bank", timeout_seconds=1800)
def simulate_bank(key: str, bank_folder: str) -> StepResult:
    """Write the source files of a simulated bank."""
    del key
    parts = parts_of(bank_folder)
    bank = parts.bank
    assert bank.simulation is not None
    with progress_of("simulate the bank") as progress:
        report = simulate(
            bank.simulation,
            bank.offers,
            bank.vocabulary,
            bank.time_zone,
            parts.sources,
            lambda done, total, _: progress(done, total),
        )
    return {"events": report.events, "oracle_auc": report.oracle_auc}


@task(name="import-files", retries=1, retry_condition_fn=may_pass, retry_delay_seconds=10, timeout_seconds=3600)
def import_files(bank_folder: str) -> StepResult:
    """Import what is new in the bank's files; importing the same files again changes nothing."""
    parts = parts_of(bank_folder)
    with progress_of("import events") as progress:
        report = import_sources(
            parts.log,
            parts.bank.sources,
            parts.bank.vocabulary,
            parts.sources,
            parts.places.quarantine,
            now=datetime.now(UTC),
            progress=lambda rows, read, total: progress(read, total),
        )
    rows = [
        {
            "source": counts.source,
            "files": counts.file,
            "rows": counts.read,
            "accepted": counts.accepted,
            "duplicates": counts.duplicates,
            "skipped": counts.skipped,
            "quarantined": counts.quarantined,
            "reasons": ", ".join(f"{reason}: {count}" for reason, count in counts.reasons.items()),
        }
        for counts in (*report.by_source, report.total)
    ]
    keep_table("import", f"What was read into the event log of {parts.name}", rows)
    return {"files": rows, "events": parts.log.count(), "digest": parts.log.digest()}
