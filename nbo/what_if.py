"""Comparisons in the terminal: of `nbo simulate-policy`, and of training runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbo.display import console, print_json
from nbo.outcomes import show_rows
from pipelines.markdown import Rows
from pipelines.what_if_page import moved_rules, ratio_row
from serving.what_if.tables import ANY

SHOWN = 12
"""Most rows of a table; the page in the folder has all."""


def show_what_if(result: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Show a comparison, leaving out tables in which nothing differs; or print all of it as JSON."""
    if as_json:
        print_json(result)
        return
    show_rows(f"{result['bank']} with {result['change']} as of {result['as_of'][:10]}", result["overview"])
    if result["same"]:
        console.print("  the change has no effect: both sides are the same bank", markup=False)
    _show("channels", [_plain(row) for row in result["channels"]])
    _show("budgets", result["budgets"])
    _show("what one more unit of a budget would bring", result["prices"])
    _show("stages", differing(result["stages"]))
    _show("offers that win and lose", differing(result["offers"]))
    _show("decisions whose first offer changes", result["moves"])
    _show("changed costs of rules", [_costs(row) for row in by_size(moved_rules(result), "rejected_difference")])
    _show("customers whose best offer would differ without a factor", differing(result["factors"]))
    groups = [ratio_row(row) for row in result["fairness"]]
    show_rows("how evenly groups are reached", [_without_offer(row) for row in groups if row["offer"] == ANY])
    _show("offers that reach a group less with the change", [ratio_row(row) for row in worse(result["fairness"])])
    if result["folder"] is not None:
        console.print(f"all tables and the decisions that differ: {result['folder']}", markup=False, soft_wrap=True)


def differing(rows: Rows) -> list[Mapping[str, Any]]:
    """Leave out rows in which nothing differs.

    Example:
        >>> differing([{"offer": "loan", "first_difference": 0}, {"offer": "card", "first_difference": -3}])
        [{'offer': 'card', 'first_difference': -3}]
    """
    return [row for row in rows if any(row[name] for name in row if name.endswith("_difference"))]


def by_size(rows: Rows, name: str) -> list[Mapping[str, Any]]:
    """Sort rows by the absolute value of a column, largest first."""
    return sorted(rows, key=lambda row: -abs(row[name]))


def worse(rows: Rows) -> list[Mapping[str, Any]]:
    """Keep single offers that surely reach a group less than four fifths with the change and did not before."""
    return [row for row in rows if row["offer"] != ANY and row["surely_changed"] and not row["below_four_fifths_today"]]


def _costs(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the columns that only the page shows: candidates that one rule alone rejects."""
    return {name: value for name, value in _plain(row).items() if not name.startswith("rejected_alone")}


def _without_offer(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "offer"}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the changed number, which follows from today's and the difference."""
    return {name: value for name, value in row.items() if not name.endswith("_changed")}


def _show(title: str, rows: Rows) -> None:
    more = len(rows) - SHOWN
    show_rows(title if more <= 0 else f"{title} (the first {SHOWN} of {len(rows)})", rows[:SHOWN])
