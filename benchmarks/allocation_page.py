"""The part of the benchmarks' page about budgets and capacities."""

from __future__ import annotations

from typing import Any

NIGHT = {
    "prices": "prices, then made to fit",
    "greedy": "greedy: the highest gains of all first",
    "first_come": "first come, first served",
}
DAY = {
    "one_by_one": "one by one",
    "in_blocks": "a hundred at a time",
    "wrong_prices": "a hundred at a time, all prices 5 % too high",
    "wrong_and_kept": "the same without feedback",
}


def allocation_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.allocation` as Markdown, line by line."""
    around, methods, whole = results["surroundings"], results["methods"], results["whole"]
    ours, exact, program = methods["prices"], whole["exact"], whole["linear_program"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    first, served = methods["greedy"], methods["first_come"]
    return [
        "## Budgets and capacities",
        "",
        f"{results['customers']:,} customers, {results['candidates']} candidates, {results['resources']} resources: "
        "money charged on acceptance, calls and stocks on contact, reach, and two that never bind. "
        f"By prices the bank gets {ours['share_of_bound']:.3%} of what is possible at most, "
        f"{ours['value'] / first['value']:.2f} times as much as greedily and "
        f"{ours['value'] / served['value']:.2f} times as much as first come, first served. "
        "No capacity was exceeded, by exact sums.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}; load average before {results['load_average']:.1f}.",
        "",
        "| way to share out | value, share of the bound | customers served | seconds | CPU seconds | peak MB |",
        "|---|---|---|---|---|---|",
        *(_row(name, methods[method]) for method, name in NIGHT.items()),
        "",
        f"The prices took {ours['seconds_prices']:.1f} s, {ours['passes']} passes over everybody and "
        f"{ours['sample_passes']} over a sample ({ours['passes_from_warm_prices']} passes from prices 5 % too high); "
        f"making them fit {ours['seconds_allocation']:.1f} s, {ours['allocation_passes']} passes. Chunks are read from "
        "files in every pass.",
        "",
        "| resource | capacity | used | one more would bring |",
        "|---|---|---|---|",
        *(
            f"| {one['name']} | {one['capacity']:,.0f} | {one['used'] / one['capacity']:.3%} | {one['price']:.2f} |"
            for one in ours["resources"]
        ),
        "",
        "During the day, the same customers in the order of their files, which is random; the bound knows them all "
        "beforehand:",
        "",
        "| arrivals | value, share of the bound | customers served | seconds | CPU seconds | peak MB |",
        "|---|---|---|---|---|---|",
        *(_row(name, methods[method]) for method, name in DAY.items()),
        "",
        f"The whole linear program of {whole['customers']:,} customers takes HiGHS {program['seconds_solving']:.1f} s; "
        f"prices to the same optimum (relative difference {whole['difference']:.0e}) take "
        f"{exact['seconds_solving']:.2f} s, {exact['passes']} passes.",
        "",
    ]


def _row(name: str, one: dict[str, Any]) -> str:
    return (
        f"| {name} | {one['share_of_bound']:.3%} | {one['served']:,} | {one['seconds_solving']:.1f} "
        f"| {one['cpu_seconds_solving']:.1f} | {one['peak_megabytes']:,.0f} |"
    )
