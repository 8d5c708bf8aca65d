"""The flow that imports the files of the bank's systems, and the journal, into the event log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from shutil import rmtree
from typing import Any

from prefect import flow

from events.importing import import_sources
from events.quarantine import Reason
from pipelines.steps import (
    MADE_FROM,
    StepResult,
    code_digest,
    digest_of,
    do,
    keep_table,
    kept_step,
    made_from,
    retried_task,
)
from records.flush import flush
from records.import_lock import one_import
from simulation.simulate import simulate
from storage.atomic import replace_text
from storage.lock import locked
from wiring.bank_time import bank_now
from wiring.components import Components, components_of, reload_components
from wiring.fetching import fetched
from wiring.progress import progress_of


@flow(name="import-events", timeout_seconds=3600)
def import_events(bank_folder: str) -> StepResult:
    """Import every source of a bank; a simulated bank is simulated first."""
    components = reload_components(bank_folder)
    if components.bank.simulation is not None:
        # value, cost and description of an offer do not influence the simulated customers
        seen = [replace(offer, value="0", cost=0.0, description="") for offer in components.bank.offers]
        key = digest_of(components.bank.simulation, seen, code_digest("simulation"))
        components.places.folder.mkdir(parents=True, exist_ok=True)
        # a second run waits and then finds the files, so that no run replaces files that another reads
        with locked(components.places.folder / "simulation.lock"):
            present = made_from(components.sources) == key
            if not present:
                _begin_anew(components)
            do(simulate_bank, key=key, present=present, bank_folder=bank_folder)
    return import_files(bank_folder)


def _begin_anew(components: Components) -> None:
    """Remove the log of an earlier simulation, whose customer ids would mix with those of the new one.

    The log is moved away first, so that a crash leaves all of it or nothing. Everything computed from it is computed
    again, because the digest of the log has changed. Decisions and models record their inputs, and stay.
    """
    before = components.places.log.with_name(".log.before")
    rmtree(before, ignore_errors=True)
    if components.places.log.exists():
        components.places.log.rename(before)
        rmtree(before)


@kept_step("simulate-bank", timeout_seconds=1800)
def simulate_bank(key: str, bank_folder: str) -> StepResult:
    """Write the source files of a simulated bank, and last the key of the simulation."""
    components = components_of(bank_folder)
    bank = components.bank
    assert bank.simulation is not None
    with progress_of("simulate the bank") as progress:
        report = simulate(
            bank.simulation,
            bank.offers,
            bank.vocabulary,
            bank.time_zone,
            components.sources,
            lambda done, total, _: progress(done, total),
        )
    replace_text(components.sources / MADE_FROM, key)
    return {"events": report.events, "oracle_auc": report.oracle_auc}


@retried_task("import-files", timeout_seconds=3600)
def import_files(bank_folder: str) -> StepResult:
    """Import the service's journal and the new rows of the bank's files; repeating it changes nothing.

    It fails if all rows of a file are quarantined; the other files are in the log by then.
    """
    components = components_of(bank_folder)
    with one_import(components.database):
        return _imported(components)


def _imported(components: Components) -> StepResult:
    now = datetime.now(UTC)
    rows = flush_journal(components, bank_now(components))
    with fetched(components) as found, progress_of("import events") as progress:
        report = import_sources(
            components.log,
            components.bank.sources,
            components.bank.vocabulary,
            components.sources,
            components.places.quarantine,
            now=now,
            progress=lambda rows, read, total: progress(read, total),
            fetched=found.files,
        )
    rows += report.rows
    keep_table("import", f"What was read into the event log of {components.name}", rows)
    report.require_something_of_every_file()
    warnings = [
        {"source": counts.source, "file": counts.file, "rows": count, "warning": words}
        for counts in report.files
        for words, count in counts.warnings.items()
    ]
    if report.replaced:
        warning = "events that an earlier mapping made of rows were replaced"
        warnings.append({"source": "all sources", "file": "", "rows": report.replaced, "warning": warning})
    return {"files": rows, "warnings": warnings, "events": components.log.count(), "digest": components.log.digest()}


def flush_journal(components: Components, now: datetime) -> list[dict[str, Any]]:
    """Flush the journal into the event log; return a row for the report if there was anything to flush."""
    flushed = flush(components.database, components.log, now)
    rows = flushed.accepted + flushed.duplicates + flushed.conflicts
    if not rows:
        return []
    return [
        {
            "source": "real-time service",
            "files": "its journal",
            "rows": rows,
            "further events": 0,
            "accepted": flushed.accepted,
            "duplicates": flushed.duplicates,
            "skipped": 0,
            "quarantined": flushed.conflicts,
            "unfit values": 0,
            "reasons": f"{Reason.EVENT_ID_CONFLICT}: {flushed.conflicts}" if flushed.conflicts else "",
        }
    ]
