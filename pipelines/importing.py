"""Bring what the bank's systems delivered into the event log."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from shutil import rmtree
from typing import Any

from prefect import flow, task

from events.durable import replace_text
from events.importing import import_sources
from events.lock import locked
from events.quarantine import Reason
from pipelines.artefacts import keep_table
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step, may_pass
from records.flush import flush
from records.import_lock import one_import
from simulation.simulate import simulate
from wiring.bank_time import bank_now
from wiring.components import Components, components_of, reload_components
from wiring.progress import progress_of

MADE_FROM = "made_from.txt"
"""Beside the files of a simulated bank: the key of the simulation that wrote them."""


@flow(name="import-events", timeout_seconds=3600)
def import_events(bank_folder: str) -> StepResult:
    """Import every source of a bank; where the bank is simulated, simulate it first."""
    components = reload_components(bank_folder)
    if components.bank.simulation is not None:
        # what an offer earns is the bank's affair; its customers never see it
        seen = [replace(offer, value="0", cost=0.0, description="") for offer in components.bank.offers]
        key = digest_of(components.bank.simulation, seen, code_digest("simulation"))
        components.places.folder.mkdir(parents=True, exist_ok=True)
        # a second run waits, and then finds the files there: none replaces what another reads
        with locked(components.places.folder / "simulation.lock"):
            made_from = _made_from(components)
            if made_from != key:
                _begin_anew(components)
            do(simulate_bank, key=key, present=made_from == key, bank_folder=bank_folder)
    return import_files(bank_folder)


def _made_from(components: Components) -> str | None:
    """Key of the simulation that wrote the source files; None where there are none, or not all of them."""
    try:
        return (components.sources / MADE_FROM).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _begin_anew(components: Components) -> None:
    """Remove the log of another simulated world: customers of the same names would mix with those of the next.

    It is moved away first, so that a crash leaves all of it or nothing. What was made from it is made anew, because
    the digest of the log has changed; decisions and models say what they were made from, and stay.
    """
    before = components.places.log.with_name(".log.before")
    rmtree(before, ignore_errors=True)
    if components.places.log.exists():
        components.places.log.rename(before)
        rmtree(before)


@kept_step("simulate-bank", timeout_seconds=1800)
def simulate_bank(key: str, bank_folder: str) -> StepResult:
    """Write the source files of a simulated bank, and last what they were made from."""
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


@task(name="import-files", retries=1, retry_condition_fn=may_pass, retry_delay_seconds=10, timeout_seconds=3600)
def import_files(bank_folder: str) -> StepResult:
    """Import what the service accepted and what is new in the bank's files; doing it again changes nothing.

    It fails where a file's rows are all in quarantine; what else there was is in the log then.
    """
    components = components_of(bank_folder)
    with one_import(components.database):
        return _imported(components)


def _imported(components: Components) -> StepResult:
    now = datetime.now(UTC)
    rows = flush_journal(components, bank_now(components))
    with progress_of("import events") as progress:
        report = import_sources(
            components.log,
            components.bank.sources,
            components.bank.vocabulary,
            components.sources,
            components.places.quarantine,
            now=now,
            progress=lambda rows, read, total: progress(read, total),
        )
    rows += [
        {
            "source": counts.source,
            "files": counts.file,
            "rows": counts.read,
            "accepted": counts.accepted,
            "duplicates": counts.duplicates,
            "skipped": counts.skipped,
            "quarantined": counts.quarantined,
            "unfit values": sum(counts.parts.values()),
            "reasons": ", ".join(
                f"{reason}: {count}" for reason, count in (Counter(counts.reasons) + Counter(counts.parts)).items()
            ),
        }
        for counts in (*report.by_source, report.total)
    ]
    keep_table("import", f"What was read into the event log of {components.name}", rows)
    report.require_something_of_every_file()
    warnings = [
        {"source": counts.source, "file": counts.file, "rows": count, "warning": words}
        for counts in report.files
        for words, count in counts.warnings.items()
    ]
    if report.replaced:
        words = "events that an earlier mapping made of rows were replaced"
        warnings.append({"source": "all sources", "file": "", "rows": report.replaced, "warning": words})
    return {"files": rows, "warnings": warnings, "events": components.log.count(), "digest": components.log.digest()}


def flush_journal(components: Components, now: datetime) -> list[dict[str, Any]]:
    """Bring what the real-time service accepted into the event log; a row of the report where there was anything."""
    drained = flush(components.database, components.log, now)
    rows = drained.accepted + drained.duplicates + drained.conflicts
    if not rows:
        return []
    return [
        {
            "source": "real-time service",
            "files": "its journal",
            "rows": rows,
            "accepted": drained.accepted,
            "duplicates": drained.duplicates,
            "skipped": 0,
            "quarantined": drained.conflicts,
            "unfit values": 0,
            "reasons": f"{Reason.EVENT_ID_CONFLICT}: {drained.conflicts}" if drained.conflicts else "",
        }
    ]
