"""Budgets shared out by prices, beside greedy, first come first served and the whole linear program.

`make bench-allocation` runs it.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.allocation_problem import CANDIDATES, NAMES, write_problem
from benchmarks.measure import measure, surroundings
from benchmarks.pages import write_page

RESULTS = Path(__file__).parent / "results" / "allocation.json"
NIGHT = ("prices", "greedy", "first_come")
DAY = ("one_by_one", "in_blocks", "wrong_prices", "wrong_and_kept")


def main() -> None:
    """Measure, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--whole", type=int, default=10_000, help="customers for the whole linear program")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_problem(work / "bank", options.customers)
        methods = {method: _run(method, work / "bank", work) for method in (*NIGHT, *DAY)}
        write_problem(work / "few", options.whole)
        whole = {method: _run(method, work / "few", work) for method in ("exact", "linear_program")}
    bound, optimum = methods["prices"]["bound"], whole["linear_program"]["bound"]
    results = {
        "surroundings": surroundings("numpy", "highspy"),
        "load_average": load,
        "customers": options.customers,
        "candidates": CANDIDATES,
        "resources": len(NAMES),
        "methods": {name: one | {"share_of_bound": one["value"] / bound} for name, one in methods.items()},
        "whole": whole | {"customers": options.whole, "difference": abs(whole["exact"]["bound"] / optimum - 1.0)},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def _run(method: str, folder: Path, work: Path) -> dict[str, Any]:
    """Run a method in a process of its own.

    Raises:
        ValueError: It took more of a resource than there is.
    """
    target = work / f"{method}.json"
    measured = measure("benchmarks.allocation_run", [method, str(folder), str(target)])
    found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    found |= {"seconds": measured.seconds, "peak_megabytes": measured.peak_megabytes}
    if found.get("overdrawn"):
        raise ValueError(f"{method} took {found['overdrawn']} more of a resource than there is")
    print(method, json.dumps({name: one for name, one in found.items() if name != "resources"}), flush=True)
    return found


if __name__ == "__main__":
    main()
