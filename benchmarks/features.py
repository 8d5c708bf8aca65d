"""Features at speed: our kernel beside DuckDB, Polars and pandas, in one go. `make bench-features` runs it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.dataset as ds

from benchmarks.feature_events import write_events
from benchmarks.feature_shares import feature_shares
from benchmarks.feature_wanted import wanted_features
from benchmarks.measure import Measured, measure, surroundings
from benchmarks.pages import write_page

RESULTS = Path(__file__).parent / "results" / "features.json"
ENGINES = "benchmarks.feature_engines"
KERNEL, DUCKDB, POLARS, PANDAS = "kernel", "duckdb_sql", "polars_lazy", "pandas_groupby"
PANDAS_SHARE = 10
"""pandas gets a tenth of the files, and its time is scaled: a whole log would take it an hour."""


def main() -> None:
    """Measure, compare results, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side-by-side", type=int, default=10_000_000, help="events for all engines")
    parser.add_argument("--growth", type=int, nargs="*", default=[1_000_000, 10_000_000, 50_000_000])
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        compare_results(work)
        results = {
            "surroundings": surroundings("numpy", "pyarrow", "duckdb", "polars", "pandas"),
            "features": len(wanted_features()),
            "anchors": 9,
            "side_by_side": side_by_side(work, options.side_by_side),
            "growth": [growth(work, events) for events in options.growth],
        }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def side_by_side(work: Path, events: int) -> dict[str, Any]:
    """Run every engine on the same log."""
    source = work / "log"
    written = write_events(source, events)
    tenth = work / "tenth"
    tenth.mkdir()
    files = sorted(source.glob("*.parquet"))
    share = [file for number, file in enumerate(files) if number % PANDAS_SHARE == 0]
    for file in share:
        (tenth / file.name).symlink_to(file)
    scale = written / sum(ds.dataset(file).count_rows() for file in share)
    measured = {engine: _run(engine, source, work) for engine in (KERNEL, DUCKDB, POLARS)}
    pandas = _run(PANDAS, tenth, work)
    shares = _shares(source, work)
    rmtree(source)
    rmtree(tenth)
    seconds = {engine: one.seconds for engine, one in measured.items()} | {PANDAS: pandas.seconds * scale}
    return {
        "events": written,
        "engines": {engine: asdict(one) for engine, one in measured.items()}
        | {PANDAS: asdict(pandas) | {"seconds": seconds[PANDAS], "scaled_by": scale}},
        "shares": shares,
        "times_faster": {engine: seconds[engine] / seconds[KERNEL] for engine in seconds if engine != KERNEL},
    }


def growth(work: Path, events: int) -> dict[str, Any]:
    """Run our kernel on a log of another size: as many customers more as events more."""
    source = work / "log"
    written = write_events(source, events)
    measured = _run(KERNEL, source, work)
    rmtree(source)
    return {"events": written, **asdict(measured), "microseconds_per_event": measured.seconds / written * 1e6}


def compare_results(work: Path) -> None:
    """Make sure that the kernel and DuckDB agree on a small log: counts exactly, sums to 1e-9.

    Raises:
        ValueError: They do not.
    """
    source = work / "small"
    write_events(source, 200_000)
    tables = []
    for engine in (KERNEL, DUCKDB):
        target = work / engine
        target.mkdir()
        measure(f"{ENGINES}.{engine}", [str(source), str(target)])
        table = ds.dataset(target).to_table().to_pandas().set_index(["customer_id", "as_of"]).sort_index()
        tables.append(table)
        rmtree(target)
    rmtree(source)
    ours, theirs = tables[0].loc[tables[1].index], tables[1]  # DuckDB leaves out who has no event yet
    for wanted in wanted_features():
        one, other = (table[wanted.name].to_numpy(dtype=np.float64) for table in (ours, theirs))
        exact = wanted.kind in {"count", "distinct_days"}
        if not np.allclose(one, other, rtol=0 if exact else 1e-9, atol=0 if exact else 1e-9, equal_nan=True):
            raise ValueError(f"{wanted.name} differs between the kernel and DuckDB")


def _shares(source: Path, work: Path) -> dict[str, float]:
    target = work / "shares"
    target.mkdir()
    found = feature_shares(source, target)
    rmtree(target)
    return found


def _run(engine: str, source: Path, work: Path) -> Measured:
    target = work / engine
    target.mkdir()
    measured = measure(f"{ENGINES}.{engine}", [str(source), str(target)])
    rmtree(target)
    print(f"{engine}: {measured.seconds:.1f} s, {measured.peak_megabytes:.0f} MB", flush=True)
    return measured


if __name__ == "__main__":
    main()
