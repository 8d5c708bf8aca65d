"""The part of the benchmarks' page about the online store."""

from __future__ import annotations

from typing import Any


def online_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.online_store` as Markdown, line by line."""
    around = results["surroundings"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    sizes = "; ".join(
        f"{one['name']}: {one['slots']} integers in {one['bytes_mean']:.0f} bytes a customer, at most "
        f"{one['bytes_largest']:,}"
        for one in results["states"]
    )
    lines = [
        "## Online states",
        "",
        "Written and read as `nbo` does it (checks of freshness and layout included), by one process, the servers on "
        "the same machine. *First* is a write into an empty store, which reads every state before it writes it; a "
        "*night* replaces the states of the night before. *CPU* is of the writing process, the server's left out.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}.",
        "",
        f"{sizes}. The machine was busy with other work while this was measured: load average "
        f"{results['load_average']:.1f}."
        if results["load_average"] > around["cores"]
        else f"{sizes}.",
        "",
        "| store | states | customers | first, customers/s | night, customers/s | CPU, µs a customer "
        "| one customer, ms (p99) | a hundred, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['store']} | {one['states']} | {one['customers']:,} | {one['first_written_per_second']:,.0f} "
        f"| {one['written_per_second']:,.0f} | {one['cpu_microseconds_per_customer']:.0f} "
        f"| {one['one_ms']:.2f} ({one['one_ms_p99']:.2f}) | {one['hundred_ms']:.1f} |"
        for one in results["packed"]
    ]
    lines += [
        "",
        "Beside it, in the same run, as many numbers as named columns through Feast's `write_to_online_store` and "
        "`get_online_features`; in brackets how many times faster the packed states are:",
        "",
        "| store | customers/s | one customer, ms | a hundred, ms |",
        "|---|---|---|---|",
    ]
    for store, one in results["named"].items():
        ratio = results["times_faster"][store]
        lines.append(
            f"| {store} | {one['written_per_second']:,.0f} ({ratio['written']:.0f}) "
            f"| {one['one_ms']:.2f} ({ratio['one']:.0f}) | {one['hundred_ms']:.1f} ({ratio['hundred']:.0f}) |"
        )
    return [*lines, ""]
