"""Simulate a bank and write what its systems would deliver."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from domain.errors import DataError
from domain.offer import Offer
from events.vocabulary import Vocabulary
from simulation import delivery
from simulation.delivery import SourceFiles
from simulation.market import check_world
from simulation.settings import Simulation
from simulation.truth import SimulationReport, report_on, truth_tables
from simulation.world import World
from simulation.writing import months, redelivery, spoil, write_csv, write_csv_gz, write_jsonl, write_parquet

Progress = Callable[[int, int, str], None]
"""Called with the work done, the total, and what is being done."""
REDELIVERED_MONTH = 1
"""Position of the month whose touchpoints are partly delivered twice."""


def simulate(
    settings: Simulation,
    offers: tuple[Offer, ...],
    vocabulary: Vocabulary,
    time_zone: ZoneInfo,
    folder: Path,
    progress: Progress,
) -> SimulationReport:
    """Simulate a bank and write its source files and the truth behind them; the same settings give the same bytes.

    `banks/demo/sources.yaml` maps these files; `truth/` is beside them and not mapped. The folder appears as a whole
    or not at all; an existing one is replaced.

    Args:
        settings: Size, duration, first day and seed.
        offers: The catalogue from which the past policy chose.
        vocabulary: Checked against what the simulation produces.
        time_zone: The bank's time zone.
        folder: Folder in which the source folders are written.
        progress: Called after every simulated day and every written source.

    Raises:
        DataError: If the settings are empty, or the bank's folder and the simulation disagree.
    """
    if settings.customers < 1 or settings.months < 1:
        raise DataError(
            "nothing to simulate",
            got=f"{settings.customers} customers, {settings.months} months",
            expected="at least one of each",
            remedy="edit simulation.yaml",
        )
    check_world(offers, vocabulary)
    world = World(settings, offers, time_zone)
    steps = world.clock.days + len(_WRITERS) + 1
    for day in range(world.clock.days):
        world.run(day)
        progress(day + 1, steps, "simulating days")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        report = _write(world, partial, lambda done, what: progress(world.clock.days + done, steps, what))
        _put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


_WRITERS: dict[str, tuple[Callable[[World], SourceFiles], Callable[[pa.Table, Path], None], str]] = {
    "core_banking": (delivery.core_banking, write_parquet, "parquet"),
    "touchpoints": (delivery.touchpoints, write_csv_gz, "csv.gz"),
    "contact_history": (delivery.contact_history, write_jsonl, "jsonl"),
    "customers": (delivery.customers, write_csv, "csv"),
}


def _write(world: World, folder: Path, written: Callable[[int, str], None]) -> SimulationReport:
    rows: dict[str, int] = {}
    dirty: dict[str, int] = {}
    redelivered = 0
    for done, (source, (deliver, write, suffix)) in enumerate(_WRITERS.items(), 1):
        delivered, planted = spoil(source, deliver(world))
        (folder / source).mkdir()
        for number, (month, table) in enumerate(months(delivered, world.clock)):
            write(table, folder / source / f"{month}.{suffix}")
            if source == "touchpoints" and number == REDELIVERED_MONTH:
                again = redelivery(table)
                write(again, folder / source / f"{month}_again.{suffix}")
                redelivered = len(again)
        rows[source] = len(delivered.days)
        dirty |= planted
        written(done, f"writing {source}")
    (folder / "truth").mkdir()
    for name, table in truth_tables(world):
        write_parquet(table, folder / "truth" / f"{name}.parquet")
    written(len(_WRITERS) + 1, "writing the truth")
    return report_on(world, rows, dirty, redelivered)


def _put_in_place(partial: Path, folder: Path) -> None:
    """Rename the finished folder into place, after moving any earlier one out of the way."""
    before = folder.with_name(f".{folder.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    if folder.exists():
        folder.rename(before)
    partial.rename(folder)
    shutil.rmtree(before, ignore_errors=True)
