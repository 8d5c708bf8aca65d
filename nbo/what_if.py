"""What a change would do, in the terminal: the numbers side by side, and of the rest what differs most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbo.display import console
from nbo.outcomes import show_rows
from pipelines.report_page import Rows
from pipelines.what_if_page import moved_rules, ratio_row
from serving.what_if_tables import ANY

SHOWN = 12
"""Rows of a table; the page in the folder has all."""


def show_what_if(result: Mapping[str, Any]) -> None:
    """Show a comparison; tables in which nothing differs are left out."""
    show_rows(f"{result['bank']} with {result['change']} as of {result['as_of'][:10]}", result["overview"])
    if result["same"]:
        console.print("  the change says nothing new: both sides are the same bank", markup=False)
    _show("channels", [_plain(row) for row in result["channels"]])
    _show("budgets", [_plain(row) for row in result["budgets"]])
    _show("stages", differing(result["stages"]))
    _show("offers that win and lose", differing(result["offers"]))
    _show("decisions whose first offer is another one", result["moves"])
    _show("what rules cost otherwise", [_plain(row) for row in moved_rules(result)])
    _show("customers with another best offer without a number", differing(result["factors"]))
    _show("how alike groups are reached", [ratio_row(row) for row in notable(result["fairness"])])
    if result["folder"] is not None:
        console.print(f"all tables and the decisions that differ: {result['folder']}", markup=False, soft_wrap=True)


def differing(rows: Rows) -> list[Mapping[str, Any]]:
    """Leave out rows in which nothing differs.

    Example:
        >>> differing([{"offer": "loan", "first_difference": 0}, {"offer": "card", "first_difference": -3}])
        [{'offer': 'card', 'first_difference': -3}]
    """
    return [row for row in rows if any(row[name] for name in row if name.endswith("_difference"))]


def notable(rows: Rows) -> list[Mapping[str, Any]]:
    """Keep how groups are reached at all, and the single offers that fall below four fifths with the change."""
    return [row for row in rows if row["offer"] == ANY or (row["surely_changed"] and not row["surely_today"])]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave the changed number out, which today's and the difference give."""
    return {name: value for name, value in row.items() if not name.endswith("_changed")}


def _show(title: str, rows: Rows) -> None:
    more = len(rows) - SHOWN
    show_rows(title if more <= 0 else f"{title} (the first {SHOWN} of {len(rows)})", rows[:SHOWN])
