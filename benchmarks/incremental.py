"""One more day on top of a year of events, beside the build of the whole year. `make bench-incremental` runs it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.incremental_build import BANK, PARTS, STAGES, STATES
from benchmarks.measure import Measured, measure, surroundings
from benchmarks.pages import write_page
from config.bank import Bank
from config.reading import load_bank
from events.importing import import_sources
from events.log import EventLog
from features.store.state_files import StateFiles
from simulation.simulate import simulate

RESULTS = Path(__file__).parent / "results" / "incremental.json"
BUILD = "benchmarks.incremental_build"
TARGET = 0.05
"""Of the CPU of a full build: what one day more may cost."""
MONTHS = 14
FIRST = datetime(2026, 2, 16)  # noqa: DTZ001  # a local midnight; the bank's zone is added
"""After a year and six weeks. Neither a quarter nor a period of churn's anchors ends within the nights after it."""
NIGHTS = 3
LATE_SHARE, LATE_DAYS = 0.05, 2
MICROSECONDS_PER_HOUR = 3_600_000_000


def main() -> None:
    """Measure, compare results, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="*", default=[10_000, 50_000, 100_000])
    parser.add_argument("--add", action="store_true", help="keep the results of other sizes")
    options = parser.parse_args()
    loads, sizes = [os.getloadavg()[0]], []
    if options.add:
        before = json.loads(RESULTS.read_text(encoding="utf-8"))
        loads.append(before["load_average"])
        sizes += [one for one in before["sizes"] if one["customers"] not in options.customers]
    for customers in options.customers:
        with TemporaryDirectory() as folder:
            sizes.append(measure_size(Path(folder), customers))
        loads.append(os.getloadavg()[0])
        print(json.dumps(sizes[-1]), flush=True)
    results = {
        "surroundings": surroundings("numpy", "pyarrow"),
        "load_average": float(np.mean(loads)),
        "target": TARGET,
        "sizes": sorted(sizes, key=lambda one: int(one["customers"])),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def measure_size(work: Path, customers: int) -> dict[str, Any]:
    """Build a year, then night after night: usual ones, one with late events, and one with news of the past.

    Raises:
        ValueError: The nights' files are not those of a build from nothing.
    """
    bank = load_bank(BANK)
    source = simulated(work, bank, customers)
    log, home = EventLog(work / "log"), work / "home"
    midnights = [(FIRST + timedelta(days=days)).replace(tzinfo=bank.time_zone) for days in range(NIGHTS + 3)]
    _copy(source, log, lambda events: before(events, midnights[0]))
    events = log.count()
    full = _build(log, home, midnights[0])
    usual = []
    for start, end in pairwise(midnights[: NIGHTS + 1]):
        _copy(source, log, partial(between, start=start, end=end))
        usual.append(_build(log, home, end))
    again = _build(log, home, midnights[NIGHTS])
    told_late, end = midnights[NIGHTS : NIGHTS + 2]
    _copy(source, log, lambda events: late(between(events, told_late, end)))
    late_night = _build(log, home, end)
    _copy(source, log, lambda events: told_before(between(events, *midnights[NIGHTS + 1 :])))
    past = _build(log, home, midnights[-1])
    nothing = _build(log, work / "once", midnights[-1])
    compare(home, work / "once")
    usual.sort(key=lambda one: one.cpu_seconds)
    nights = {"usual": usual[NIGHTS // 2], "late": late_night, "past": past, "again": again}
    return {
        "customers": customers,
        "events": events,
        "events_a_day": (log.count() - events) / (len(midnights) - 1),
        "full": asdict(full),
        "full_at_the_end": asdict(nothing),
        "nights": {name: asdict(one) for name, one in nights.items()},
        "cpu_ratio": {name: one.cpu_seconds / full.cpu_seconds for name, one in nights.items()},
        # the start of an interpreter, reading the bank's folder and looking at what is there: the same for every build
        "beyond_start": {
            name: (one.cpu_seconds - again.cpu_seconds) / (full.cpu_seconds - again.cpu_seconds)
            for name, one in nights.items()
        },
        "wall_ratio": {name: one.seconds / full.seconds for name, one in nights.items()},
        "log_bytes": {suffix: _bytes(log.folder, suffix) for suffix in ("parquet", "arrow")},
    }


def simulated(work: Path, bank: Bank, customers: int) -> EventLog:
    """Simulate the demo bank with so many customers, and import what its systems deliver."""
    assert bank.simulation is not None, "the demo bank is simulated"
    wanted = replace(bank.simulation, customers=customers, months=MONTHS)
    simulate(wanted, bank.offers, bank.vocabulary, bank.time_zone, work / "sources", lambda *_: None)
    log = EventLog(work / "source")
    import_sources(log, bank.sources, bank.vocabulary, work / "sources", work / "quarantine", now=datetime.now(UTC))
    return log


def before(events: pa.Table, moment: datetime) -> pa.Table:
    """Take what was available before a moment."""
    return events.filter(pc.less(events["available_at"], _moment(moment)))


def between(events: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """Take what became available from one moment to another."""
    return before(events.filter(pc.greater_equal(events["available_at"], _moment(start))), end)


def late(events: pa.Table) -> pa.Table:
    """Let one of twenty have occurred earlier by up to two days."""
    rng = np.random.default_rng(7)
    chosen = rng.random(len(events)) < LATE_SHARE
    hours = rng.integers(1, 24 * LATE_DAYS, len(events)) * chosen
    occurred = events["occurred_at"].cast(pa.int64()).to_numpy() - hours * MICROSECONDS_PER_HOUR
    return _with(events, "occurred_at", occurred)


def told_before(events: pa.Table) -> pa.Table:
    """Let the first event, where there is one, have been there a week earlier already, but unknown to the log."""
    shift = np.zeros(len(events), dtype=np.int64)
    shift[:1] = 7 * 24 * MICROSECONDS_PER_HOUR
    for name in ("occurred_at", "available_at"):
        events = _with(events, name, events[name].cast(pa.int64()).to_numpy() - shift)
    return events


def compare(home: Path, once: Path) -> None:
    """Make sure that the nights left what a build from nothing leaves.

    Raises:
        ValueError: They did not.
    """
    for folder in (PARTS, STAGES):
        files = [{file.name: file.read_bytes() for file in (place / folder).glob("*")} for place in (home, once)]
        if not files[0] or files[0] != files[1]:
            raise ValueError(f"{folder} of the nights are not those of a build from nothing")
    one, other = StateFiles(home / STATES), StateFiles(once / STATES)
    for file in (once / STATES).glob("*.parquet"):
        if not np.array_equal(one.read(file.stem).matrix, other.read(file.stem).matrix):
            raise ValueError(f"states of {file.stem} are not those of a build from nothing")


def _copy(source: EventLog, log: EventLog, chosen: Callable[[pa.Table], pa.Table]) -> None:
    with log.transaction() as transaction:
        for bucket in range(source.buckets):
            transaction.append(chosen(source.read_bucket(bucket)))


def _build(log: EventLog, home: Path, midnight: datetime) -> Measured:
    measured = measure(BUILD, [str(log.folder), str(home), midnight.replace(tzinfo=None).isoformat()])
    print(f"{midnight:%Y-%m-%d}: {measured.cpu_seconds:.2f} s of CPU, {measured.seconds:.2f} s", flush=True)
    return measured


def _with(events: pa.Table, name: str, microseconds: np.ndarray) -> pa.Table:
    moments = pa.array(microseconds, pa.timestamp("us", "UTC"))
    return events.set_column(events.schema.get_field_index(name), events.schema.field(name), moments)


def _moment(moment: datetime) -> pa.Scalar:
    return pa.scalar(moment, pa.timestamp("us", "UTC"))


def _bytes(folder: Path, suffix: str) -> int:
    return sum(file.stat().st_size for file in folder.glob(f"*.{suffix}"))


if __name__ == "__main__":
    main()
