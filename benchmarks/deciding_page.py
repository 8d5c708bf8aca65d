"""The part of the benchmarks' page about decisions."""

from __future__ import annotations

from typing import Any


def deciding_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.deciding` as Markdown, line by line."""
    around, everybody, beside = results["surroundings"], results["everybody"], results["beside"]
    rules = results["single"][0]["rules"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    return [
        "## Decisions",
        "",
        f"Three channels, {rules} rules, contact limits, quiet hours, budgets and control arms; scores given, for what "
        "models cost is another matter. *With the record* is with every verdict on every candidate of the channel, the "
        "reasons of what failed in words, and all numbers.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}.",
        "",
        "| one customer | candidates | decide, ms (p99) | with the record, ms (p99) |",
        "|---|---|---|---|",
        *(
            f"| {one['offers']} offers | {one['candidates']} "
            f"| {_time(one['decide'])} | {_time(one['decide_and_record'])} |"
            for one in results["single"]
        ),
        "",
        f"Everybody: {everybody['customers']:,} customers x {everybody['offers']} offers in 3 channels in "
        f"{everybody['seconds']:.0f} s by one process of {everybody['peak_megabytes']:,.0f} MB, "
        f"{everybody['offers_ranked']:,} offers ranked.",
        "",
        f"Beside it the same rules as one SELECT in DuckDB over {beside['customers']:,} customers and all candidates, "
        f"which counts what is allowed and keeps no verdict: {beside['duckdb_seconds']:.1f} s on all cores; deciding, "
        f"verdicts, priorities, order and probabilities included, took {beside['seconds']:.1f} s on one. Both allow "
        f"{beside['allowed']:,} candidates.",
        "",
    ]


def _time(milliseconds: dict[str, float]) -> str:
    return f"{milliseconds['median']:.2f} ({milliseconds['p99']:.2f})"
