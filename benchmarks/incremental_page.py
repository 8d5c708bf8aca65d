"""The part of the benchmarks' page about nightly builds."""

from __future__ import annotations

from typing import Any

NIGHTS = {
    "usual": "one day more",
    "late": "one day more, 5 % of its events up to two days late",
    "past": "a day with news that had been available before: from the log",
    "again": "nothing to do",
}


def incremental_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.incremental` as Markdown, line by line."""
    around, target = results["surroundings"], results["target"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    busy = ""
    if results["load_average"] > around["cores"]:
        load = results["load_average"]
        busy = f" The machine was busy with other work while this was measured: load average {load:.1f}."
    lines = [
        "## One more day",
        "",
        "The demo bank's features over a year and six weeks of simulated events, built once, then night after night: "
        "stage history, states of everybody, and new rows for training, in one process, interpreter start included, "
        "without the online store. A usual night is the median of three. The files of all nights are compared with "
        "those of a build from nothing, byte by byte, before a number is written.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}.{busy}",
        "",
        f"| customers | events | build | CPU, s | wall, s | of the full build's CPU (target {target:.0%}) "
        "| beyond what a build with nothing to do takes | of its wall |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in results["sizes"]:
        who, full = f"{size['customers']:,} | {size['events']:,}", size["full"]
        lines.append(f"| {who} | full | {full['cpu_seconds']:.1f} | {full['seconds']:.1f} | | | |")
        for name, title in NIGHTS.items():
            night = size["nights"][name]
            lines.append(
                f"| {who} | {title} | {night['cpu_seconds']:.2f} | {night['seconds']:.2f} "
                f"| {size['cpu_ratio'][name]:.1%} | {size['beyond_start'][name]:.1%} | {size['wall_ratio'][name]:.1%} |"
            )
    largest = results["sizes"][-1]
    parquet, mapped = (largest["log_bytes"][suffix] / largest["events"] for suffix in ("parquet", "arrow"))
    lines += [
        "",
        f"The log takes {parquet:.0f} bytes an event, and {mapped:.0f} more for the files that are mapped into memory.",
        "",
    ]
    return lines
