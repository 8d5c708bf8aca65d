"""The part of the benchmarks' page about the console."""

from __future__ import annotations

from typing import Any


def console_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.console` as Markdown, line by line."""
    around, meanwhile = results["surroundings"], results["decisions_meanwhile"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    busy = ""
    if results["load_average_before"] > around["cores"]:
        busy = f" The machine was busy with other work: load average {results['load_average_before']:.1f} before."
    slow = [page for page, one in results["pages"].items() if one["p95_ms"] > 300]
    said = f"Above 300 ms at the 95th percentile: {', '.join(slow)}." if slow else "All pages stay below 300 ms."
    return [
        "## The console",
        "",
        "Each page is asked for by one person, again and again, while the service makes "
        f"{results['decisions_per_second']:g} decisions a second for {results['customers']:,} customers. Daily "
        f"responses have as many rows as a bank of any size at most ({results['rows_of_daily_responses']:,}: every "
        f"offer on every day in every channel and stage). The event log has {results['events']:,} events, of which the "
        f"journey figures are made, and the outbox {results['contacts_in_outbox']:,} contacts.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}; {results['workers']} workers.{busy}",
        "",
        "| page | p50, ms | p95, ms | CPU without decisions, ms | kB |",
        "|---|---|---|---|---|",
        *(
            f"| {page} | {one['p50_ms']:.0f} | {one['p95_ms']:.0f} | {results['pages_alone'][page]['cpu_ms']:.0f} | "
            f"{one['bytes'] / 1e3:.0f} |"
            for page, one in results["pages"].items()
        ),
        "",
        f"{said} Decisions meanwhile: p50 {_of(meanwhile, 'p50_ms')} ms, p99 {_of(meanwhile, 'p99_ms')} ms.",
        "",
    ]


def _of(meanwhile: dict[str, Any], quantile: str) -> str:
    found = meanwhile.get("decisions", meanwhile).get(quantile)
    return "unknown" if found is None else f"{found:.0f}"
