"""The results of a policy simulation as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.report_page import Rows, table

FAIRNESS = (
    "Rates of customers reached, as ratios to the group reached most among those of at least 2 % of the customers. "
    "Intervals are 95 %, of the logarithm of the ratio (Katz et al. 1978), treating these customers as a random sample "
    "of future ones. Below 0.8 the four-fifths rule (29 CFR 1607.4 D) sees a disadvantage; `surely` means that the "
    "whole interval is below."
)


def what_if_page(result: Mapping[str, Any]) -> str:
    """Write all tables of `pipelines.what_if.simulate_policy` as Markdown."""
    parts: dict[str, tuple[str, Rows]] = {
        "Channels": (
            "Customers with an offer, and the expected value and cost of their first offers.",
            result["channels"],
        ),
        "Budgets": ("Expected use by the first offers.", result["budgets"]),
        "Prices": ("What one more unit of a budget would bring.", result["prices"]),
        "Offers": ("First places in decisions, and customers reached in at least one channel.", result["offers"]),
        "Stages": ("Customers reached.", result["stages"]),
        "Moves": ("Decisions whose first offer changes.", result["moves"]),
        "Rules": ("Rules that reject a different number of candidates.", moved_rules(result)),
        "Numbers": ("Share of customers whose best offer would differ without the factor.", result["factors"]),
        "Fairness": (FAIRNESS, [ratio_row(row) for row in result["fairness"]]),
    }
    lines = [f"# {result['bank']} with {result['change']} as of {result['as_of'][:10]}", "", *table(result["overview"])]
    for title, (sentence, rows) in parts.items():
        lines += ["", f"## {title}", "", sentence, "", *table(rows)]
    return "\n".join(lines) + "\n"


def moved_rules(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rules that reject a different number of candidates, alone or with others, or lose other customers."""
    names = ("rejected_difference", "rejected_alone_difference", "customers_lost_difference")
    return [row for row in result["rules"] if any(row[name] for name in names)]


def ratio_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Format a row of fairness, with each ratio, its interval and its flag in one cell."""
    named = {name: row[name] for name in ("segment", "group", "offer", "customers", "rate_today", "rate_changed")}
    return {**named, **{f"ratio_{side}": _ratio(row, side) for side in ("today", "changed")}}


def _ratio(row: Mapping[str, Any], side: str) -> str:
    if row[f"ratio_{side}"] is None:
        return ""
    ratio = f"{row[f'ratio_{side}']:.2f}"
    if row[f"ratio_{side}_low"] is not None:
        ratio += f" ({row[f'ratio_{side}_low']:.2f} to {row[f'ratio_{side}_high']:.2f})"
    if row[f"below_four_fifths_{side}"]:
        ratio += " below 0.8" + (", surely" if row[f"surely_{side}"] else "")
    return ratio
