"""The part of the benchmarks' page about the real-time service."""

from __future__ import annotations

from math import nan
from typing import Any

TARGETS = {100: None, 200: 10.0, 500: 25.0, 1_000: None}
"""Of the 99th percentile in milliseconds, by decisions a second."""

STEPS = {
    "read": "read state, journal and today's events, make features",
    "decide": "score and decide",
    "record": "write the record",
    "reasons": "find the reasons",
    "keep": "wait for the commit",
}


def serving_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.serving` as Markdown, line by line."""
    around, single = results["surroundings"], results["single"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    memory = results["megabytes_per_worker"]
    lines = [
        "## The real-time service",
        "",
        f"The demo bank's features for {results['customers']:,} customers, 20 offers in 3 channels, 60 rules, full "
        f"trace and durable log (SQLite), {results['workers']} workers, the load generator on the same cores. Arrivals "
        "are open (Poisson): a request's time counts from when it was due. One request in five is an event.",
        "",
        f"{around['cores']} cores, {around['memory_gigabytes']} GB, {around['architecture']}, Python "
        f"{around['python']}; {versions}. Load average before: {results['load_average_before']:.1f}.",
        "",
        f"Ready after {results['startup_seconds']:.1f} s (target 8); at most {max(memory):,.0f} MB a process (target "
        f"400); one request at a time takes {single['p50_ms']:.1f} ms (median, target 3; p99 {single['p99_ms']:.1f})"
        f"{_with_reasons(results)}.",
        "",
        "CPU is that of all workers in a decision, events beside it included (target 1.2 ms at 500 a second).",
        "",
        "| decisions/s | answered | CPU, ms | p50, ms | p99, ms | target | p99.9, ms | events, p99 ms | turned away |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_rate(one, "") for one in results["rates"]),
        *(_rate(one, ", code before") for one in results.get("before", {}).get("rates", ())),
    ]
    batches, singly = results["events_in_batches"], results["events_one_by_one"]
    told_singly = singly["events"].get("p99_ms", float("nan"))
    lines += [
        "",
        f"{batches['events_per_second']:,} events a second, each durable before it is acknowledged: in batches of 20 "
        f"p99 {batches['events']['p99_ms']:.1f} ms; one by one p99 {told_singly:.1f} ms.",
        "",
        "Where the time of a pass goes, in which all are decided who asked meanwhile; mean over both rates, waiting "
        "for the processor included:",
        "",
        "| step | ms |",
        "|---|---|",
        *(f"| {STEPS.get(name, name)} | {milliseconds:.2f} |" for name, milliseconds in results["profile"].items()),
        "",
        *_beside(results),
    ]
    return lines


def _with_reasons(results: dict[str, Any]) -> str:
    said = []
    if "single_with_reasons" in results:
        said.append(f"{results['single_with_reasons']['p50_ms']:.1f} ms with reasons (target 5)")
    if "before" in results:
        said.append(f"{results['before']['single']['p50_ms']:.1f} ms with the code before")
    return "; " + ", ".join(said) if said else ""


def _rate(one: dict[str, Any], label: str) -> str:
    decided, told, rate = one["decisions"], one["events"], one["decisions_per_second"]
    target, spent = TARGETS[rate], one.get("cpu_ms_per_decision")
    return (
        f"| {rate:,}{label} | {decided['requests']:,} | {'' if spent is None else f'{spent:.2f}'} "
        f"| {decided['p50_ms']:.1f} | {decided['p99_ms']:.1f} | {'' if target is None else f'{target:.0f}'} "
        f"| {decided['p999_ms']:.1f} | {told['p99_ms']:.1f} | {sum(one['others'].values()):,} |"
    )


def soak_section(results: dict[str, Any]) -> list[str]:
    """Write the results of `benchmarks.serving_soak` as Markdown, line by line."""
    decided = results["decisions"]
    others = sum(results["others"].values())
    return [
        "### Ten minutes of it",
        "",
        f"{results['seconds'] / 60:.0f} minutes at {results['decisions_per_second']} decisions a second with events: "
        f"{decided['requests']:,} answered, {others:,} not, p99 {decided['p99_ms']:.1f} ms. All processes together "
        f"held {results['megabytes_settled']:,.0f} MB after the first third and {results['megabytes_at_the_end']:,.0f} "
        f"MB at the end ({results['megabytes_per_minute']:+.2f} MB a minute), and at most "
        f"{results['files_at_most']:.0f} open files.",
        "",
    ]


def _beside(results: dict[str, Any]) -> list[str]:
    """Say how the servers of the libraries do their parts."""
    parts = {
        "feast": "Feast's feature server: gives the packed state",
        "mlflow": "MLflow's model server: scores 20 candidates",
    }
    single = results["single"]
    lines = [
        "Beside it, in the same run, on the same state and model and with as many workers, the servers of the "
        "libraries doing just their parts:",
        "",
        "| server | requests/s | answered | p50, ms | p99, ms |",
        "|---|---|---|---|---|",
        f"| nbo: reads, scores, decides, keeps | one after the other | {single['requests']:,} | {single['p50_ms']:.1f} "
        f"| {single['p99_ms']:.1f} |",
    ]
    lines += [
        f"| nbo: the same, events beside | {one['decisions_per_second']} | {one['decisions']['requests']:,} "
        f"| {one['decisions']['p50_ms']:.1f} | {one['decisions']['p99_ms']:.1f} |"
        for one in results["rates"]
    ]
    lines += [
        f"| {parts[name]} | {float(rate):.0f} | {one['requests']:,} | {one.get('p50_ms', nan):.1f} "
        f"| {one.get('p99_ms', nan):.1f} |"
        for name, rates in results["beside"].items()
        for rate, one in rates.items()
    ]
    return [*lines, ""]
