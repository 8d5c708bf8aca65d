"""The part of the benchmarks' page about journey figures."""

from __future__ import annotations

from typing import Any

_NAMES = {"kernel": "nbo", "duckdb": "DuckDB"}


def journeys_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.journeys` as Markdown, line by line."""
    around = results["surroundings"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    busy = ""
    if results["load_average"] > around["cores"]:
        busy = f" The machine was busy with other work: load average {results['load_average']:.1f}."
    return [
        "## Journey figures",
        "",
        f"All figures of `nbo journeys` over {results['events']:,} events of {results['customers']:,} customers: the "
        "demo bank's, several times with other customers. Whole processes, reading Parquet, interpreter start "
        "included. DuckDB answers one query per figure; rows and numbers of customers of every figure are compared "
        "before a number is written, and the tests compare every number on a smaller bank.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}.{busy}",
        "",
        "| engine | CPU, s | wall, s | peak MB |",
        "|---|---|---|---|",
        *(
            f"| {_NAMES[engine]} | {one['cpu_seconds']:.1f} | {one['seconds']:.1f} | {one['peak_megabytes']:,.0f} |"
            for engine, one in results["engines"].items()
        ),
        "",
        f"DuckDB takes {results['cpu_ratio']:.1f} times the CPU.",
        "",
    ]
