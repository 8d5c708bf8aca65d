"""Decisions at speed: one customer with the trace, everybody, the rules in DuckDB beside. `make bench-deciding`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.deciding_world import NOON, customers_of, policy_of
from benchmarks.measure import measure, surroundings
from benchmarks.pages import write_page
from decisioning.engine import DecisionContext, decide
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import STAGE, Traces
from decisioning.policies.compiled import HOLDOUT, CompiledPolicy
from decisioning.policies.contact_times import OUTSIDE
from features.table import FeatureTable

RESULTS = Path(__file__).parent / "results" / "deciding.json"
CUSTOMERS_BESIDE = 100_000
"""DuckDB is asked about so many, beside our rules on the same ones."""


def main() -> None:
    """Measure, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    options = parser.parse_args()
    results = {
        "surroundings": surroundings("numpy", "duckdb"),
        "single": [single(offers) for offers in (20, 200)],
        "everybody": everybody(options.customers, 20),
        "beside": beside(CUSTOMERS_BESIDE),
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def single(offers: int) -> dict[str, Any]:
    """Time one decision, scores given, and one with its trace: every verdict in a channel, as it is kept."""
    policy = policy_of(offers)
    many, scores = customers_of(policy, 500, 1)
    rows = [np.array([place]) for place in range(len(many))]
    asked = [(many.take(row), scores[row]) for row in rows]
    book = RuleBook.of(policy, {*policy.features, STAGE})

    def decided(one: tuple[FeatureTable, Any]) -> object:
        return decide(one[0], one[1], policy, DecisionContext(as_of=NOON, seed=7))

    def recorded(one: tuple[FeatureTable, Any]) -> object:
        return Traces(decide(one[0], one[1], policy, DecisionContext(as_of=NOON, seed=7)), book).of(0, "app").text()

    return {
        "offers": offers,
        "candidates": len(policy.candidates),
        "rules": len(policy.rules),
        "decide": _milliseconds(decided, asked),
        "decide_and_record": _milliseconds(recorded, asked),
    }


def everybody(customers: int, offers: int) -> dict[str, Any]:
    """Decide for everybody in one process."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        measured = measure("benchmarks.deciding_everybody", [str(customers), str(offers), str(file)])
        return {**json.loads(file.read_text()), "offers": offers, "peak_megabytes": measured.peak_megabytes}


def beside(customers: int) -> dict[str, Any]:
    """Ask the same rules in DuckDB, one SELECT over customers and candidates, and compare how many are allowed."""
    policy = policy_of(20)
    table, scores = customers_of(policy, customers, 1)
    started = time.perf_counter()
    allowed = 0
    for begin in range(0, customers, 4_096):
        part = np.arange(begin, min(begin + 4_096, customers))
        decisions = decide(table.take(part), scores[part], policy, DecisionContext(as_of=NOON, seed=7))
        failed = decisions.bits[:, :, 0] & ~_not_asked_in_sql(policy)
        allowed += int((failed == 0).sum())
    ours = time.perf_counter() - started
    connection = duckdb.connect()
    connection.register("customers", table.to_arrow())
    connection.register("candidates", _candidates(policy))
    started = time.perf_counter()
    found = connection.execute(_query(policy)).fetchall()
    theirs = time.perf_counter() - started
    if found[0][0] != allowed:
        raise ValueError(f"DuckDB allows {found[0][0]:,} candidates, our rules {allowed:,}")
    return {"customers": customers, "seconds": ours, "duckdb_seconds": theirs, "allowed": allowed}


def _milliseconds(work: Callable[[Any], object], inputs: list[Any]) -> dict[str, float]:
    for one in inputs[:50]:
        work(one)
    taken = []
    for one in inputs:
        started = time.perf_counter()
        work(one)
        taken.append((time.perf_counter() - started) * 1e3)
    return {"median": float(np.median(taken)), "p99": float(np.quantile(taken, 0.99))}


def _not_asked_in_sql(policy: CompiledPolicy) -> np.uint64:
    """Bits of the rules about numbers, which are no conditions, and of the holdout, which is drawn by hashes."""
    bits = sum(1 << place for place, rule in enumerate(policy.rules) if not rule.parts or rule.name == HOLDOUT)
    return np.uint64(bits)


def _candidates(policy: CompiledPolicy) -> pa.Table:
    rows = [
        {
            "candidate": place,
            "channel": treatment.channel,
            "product": offer.product,
            "offer": offer.name,
            "offer_cost": offer.cost,
            **{f"offer_{name}": value for name, value in offer.attributes.items()},
        }
        for place, (offer, treatment) in enumerate(policy.candidates.pairs)
    ]
    return pa.Table.from_pylist(rows)


def _query(policy: CompiledPolicy) -> str:
    """Write the rules as one SELECT: names of families and counts as CASEs over the candidate."""
    conditions = []
    for rule in policy.rules:
        for part in rule.parts if rule.name != HOLDOUT else ():
            text = part.expression.text
            for name in sorted(part.names, key=len, reverse=True):
                text = text.replace(name, _column(policy, name))
            inside = ", ".join(str(int(column)) for column in part.columns)
            conditions.append(f"(candidate NOT IN ({inside}) OR COALESCE(({text}), FALSE))")
    return f"SELECT count(*) FROM customers, candidates WHERE {' AND '.join(conditions)}"


def _column(policy: CompiledPolicy, name: str) -> str:
    names = policy.names
    if name in names.counts:
        sums = [
            f"WHEN candidate = {place} THEN {' + '.join(parts)}"
            for place, parts in enumerate(names.counts[name])
            if parts
        ]
        return f"(CASE {' '.join(sums)} END)"
    if names.is_family(name):
        members = names.catalogue.families[name.removeprefix("family_")]
        cases = " ".join(f"WHEN product = '{product}' THEN {feature}" for product, feature in members.items())
        return f"(CASE {cases} END)"
    if name.startswith(OUTSIDE):
        return "TRUE"  # nobody sleeps at noon
    return "12" if name in {"contact_hour", "as_of_hour"} else name


if __name__ == "__main__":
    main()
