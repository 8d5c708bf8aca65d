"""Effects in words and tables: what groups came to, and what offers earn of what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from pipelines.markdown import table

_PARTS = ("value", "low", "high")


def effects_section(effects: Mapping[str, Any]) -> list[str]:
    """Return the section about effects; nothing if none were measured."""
    if not effects:
        return []
    return [
        "## Effects",
        "",
        "Realised value of each assigned customer, those who were shown nothing included.",
        "",
        *(f"- {sentence}" for sentence in effect_sentences(effects)),
        "",
        *(line for rows in group_rows(effects) for line in (*table(rows), "")),
        *([*table(realised_rows(effects)), ""] if effects["offers"] else []),
    ]


def effect_sentences(effects: Mapping[str, Any]) -> list[str]:
    """Say what the comparisons tell, which offers do not earn what was promised, and what could not be compared."""
    return [*(one["sentence"] for one in effects["comparisons"]), *effects["alarms"], *effects["notes"]]


def group_rows(effects: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Return a table for each comparison, with a row per group."""
    currency = effects["currency"]
    return [
        [
            {
                "group": row["group"],
                "customers": row["customers"],
                f"{currency} a customer": _bounds(row["mean"]),
                "more than the first": "" if row["gain"] is None else _bounds(row["gain"]),
            }
            for row in one["groups"]
        ]
        for one in effects["comparisons"]
    ]


def realised_rows(effects: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per offer with its realised over expected value."""
    return [
        {
            "offer": row["offer"],
            "impressions": row["impressions"],
            "expected": row["expected"],
            "realised": row["realised"],
            "realised over expected": _bounds(row["ratio"]),
            "alarm": "outside 0.8 to 1.25" if row["alarm"] else "",
        }
        for row in effects["offers"]
    ]


def _bounds(estimate: Mapping[str, float | None]) -> str:
    """Format an estimate.

    Example:
        >>> _bounds({"value": 1.234, "low": 0.5, "high": 2.0})
        '1.23 (0.50 to 2.00)'
    """
    value, low, high = (None if each is None or isnan(each) else each for each in map(estimate.get, _PARTS))
    if value is None:
        return "nothing was expected"
    return f"{value:,.2f} (too few to tell)" if low is None else f"{value:,.2f} ({low:,.2f} to {high:,.2f})"
