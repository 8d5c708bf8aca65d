"""The page and pictures of benchmarks, made from their results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.allocation_page import allocation_section
from benchmarks.console_page import console_section
from benchmarks.deciding_page import deciding_section
from benchmarks.incremental_page import incremental_section
from benchmarks.journeys_page import journeys_section
from benchmarks.models_page import models_section
from benchmarks.online_page import online_section
from benchmarks.serving_page import serving_section, soak_section

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
NAMES = {
    "kernel": "nbo's kernel",
    "duckdb_sql": "DuckDB",
    "polars_lazy": "Polars",
    "pandas_groupby": "pandas (a tenth, scaled)",
}


def write_page() -> None:
    """Write docs/benchmarks.md from whatever results there are."""
    lines = [
        "# Benchmarks",
        "",
        "Written by the benchmarks themselves (`make bench-features`, `bench-incremental`, `bench-online`, "
        "`bench-deciding`, `bench-allocation`, `bench-journeys`, `bench-models`, `bench-serving`, `bench-soak`, "
        "`bench-console`), from "
        "`benchmarks/results/`. Times of features are of whole processes, reading Parquet and writing "
        "Parquet, interpreter start included; compare the ratios, which come from one run, rather than "
        "seconds of another machine.",
        "",
    ]
    for name, section in SECTIONS.items():
        results = HERE / "results" / f"{name}.json"
        if results.exists():
            lines += section(json.loads(results.read_text(encoding="utf-8")))
    (DOCS / "benchmarks.md").write_text("\n".join(lines), encoding="utf-8")


def _features(results: dict[str, Any]) -> list[str]:
    side, around = results["side_by_side"], results["surroundings"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    lines = [
        "## Windowed features, point in time",
        "",
        f"{results['features']} features at {results['anchors']} monthly anchors, {side['events']:,} events with a "
        "heavy tail, 5 % of them delivered up to two days late; the kernel's results are compared with DuckDB's before "
        "anything is timed.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}.",
        "",
        "| engine | seconds | CPU seconds | peak MB of one process | times slower than the kernel |",
        "|---|---|---|---|---|",
    ]
    for engine, one in sorted(side["engines"].items(), key=lambda item: item[1]["seconds"]):
        ratio = side["times_faster"].get(engine, 1.0)
        lines.append(
            f"| {NAMES[engine]} | {one['seconds']:.1f} | {one['cpu_seconds']:.1f} | {one['peak_megabytes']:,.0f} "
            f"| {ratio:.1f} |"
        )
    if "shares" in side:
        said = ", ".join(f"{step} {share:.0%}" for step, share in side["shares"].items())
        lines += ["", f"Of the kernel's processor time, in one process that is warm: {said}."]
    lines += [
        "",
        "![Seconds by engine](pictures/features.png)",
        "",
        "The kernel as the log grows, customers with it (two processes; memory is of the larger one):",
        "",
        "| events | seconds | microseconds per event | peak MB of one process |",
        "|---|---|---|---|",
        *(
            f"| {one['events']:,} | {one['seconds']:.1f} | {one['microseconds_per_event']:.2f} "
            f"| {one['peak_megabytes']:,.0f} |"
            for one in results["growth"]
        ),
        "",
    ]
    _bars({NAMES[engine]: one["seconds"] for engine, one in side["engines"].items()})
    return lines


def _bars(seconds: dict[str, float]) -> None:
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    bars = axes.barh([name for name, _ in ordered], [value for _, value in ordered], color="#0072B2")
    axes.bar_label(bars, [f"{value:,.0f} s" for _, value in ordered], padding=4)
    axes.set_xscale("log")
    axes.set_xlabel("seconds, log scale")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.2)
    (DOCS / "pictures").mkdir(exist_ok=True)
    figure.savefig(DOCS / "pictures" / "features.png", dpi=110, metadata={"Software": None})


SECTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "features": _features,
    "incremental": incremental_section,
    "online_store": online_section,
    "deciding": deciding_section,
    "allocation": allocation_section,
    "journeys": journeys_section,
    "models": models_section,
    "serving": serving_section,
    "serving_soak": soak_section,
    "console": console_section,
}
"""By name of the results' file, in the order of the page."""


if __name__ == "__main__":
    write_page()
