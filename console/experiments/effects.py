"""Effects by assignment, and what offers earn of what they promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from console.experiments.gains import Row, cells_of, drawn
from console.languages import Texts
from console.tables import Column, Table


def comparison(one: Row, texts: Texts) -> dict[str, Any]:
    """Return the groups of a comparison, a picture of their gains, and what it tells."""
    control, others = one["groups"][0], one["groups"][1:]
    title = texts("Against {group}", group=texts.name(control["group"]))
    rows = [
        {
            "group": group["group"],
            "customers": group["customers"],
            **cells_of("mean", group["mean"]),
            **cells_of("gain", group["gain"]),
        }
        for group in one["groups"]
    ]
    columns = (
        Column("group", texts("Group"), "name"),
        Column("customers", texts("Assigned customers"), "count"),
        Column("mean", texts("Realised for each"), "money", interval=("mean_low", "mean_high")),
        Column("gain", texts("More than {group}", group=texts.name(control["group"])), "gain",
               interval=("gain_low", "gain_high")),
    )  # fmt: skip
    period = {
        "since": texts.date(datetime.fromisoformat(one["since"])),
        "until": texts.date(datetime.fromisoformat(one["until"])),
    }
    return {
        "table": Table(f"against_{control['group']}", title, columns, rows),
        "chart": drawn([(texts.name(group["group"]), group["gain"]) for group in others], title, texts),
        "period": texts("Outcomes from {since} to {until}.", **period),
        "is_readable": one["is_readable"],
        "said": _told(one, texts),
    }


def _told(one: Row, texts: Texts) -> list[str]:
    """Say what a comparison tells, or when it will."""
    if not one["is_readable"]:
        at = one["readable_from"]
        if at is None:
            return [texts("Cannot tell before the groups are larger.")]
        return [texts("Cannot tell before about {day}.", day=texts.date(datetime.fromisoformat(at)))]
    said = []
    for group in one["groups"][1:]:
        gain = group["gain"]
        words = {
            "group": texts.name(group["group"]),
            "gain": texts.gain(gain["value"]),
            "low": texts.gain(gain["low"]),
            "high": texts.gain(gain["high"]),
        }
        if gain["low"] <= 0.0 <= gain["high"]:
            said.append(texts("{group}: no difference can be told ({low} to {high} a customer).", **words))
        else:
            said.append(texts("{group}: {gain} a customer ({low} to {high}), more than chance.", **words))
    return said


def realised(offers: Sequence[Row], texts: Texts) -> Table:
    """Return realised over expected value of each offer; those that do not earn what they promised come first."""
    rows = [
        {
            "offer": row["offer"],
            "impressions": row["impressions"],
            "expected": row["expected"],
            "realised": row["realised"],
            **cells_of("ratio", row["ratio"]),
            "verdict": texts("outside 0.8 to 1.25") if row["alarm"] else texts("as promised, or too early to say"),
        }
        for row in sorted(offers, key=lambda row: (not row["alarm"], -row["impressions"]))
    ]
    columns = (
        Column("offer", texts("Offer"), "name"),
        Column("impressions", texts("Impressions"), "count", bar=True),
        Column("expected", texts("Expected of each"), "money"),
        Column("realised", texts("Realised of each"), "money"),
        Column("ratio", texts("Realised over expected"), "number", interval=("ratio_low", "ratio_high")),
        Column("verdict", texts("Verdict")),
    )
    empty = texts("No decision has been answered for long enough to say what it realised.")
    return Table("realised", texts("What offers earn of what they promised"), columns, rows, empty)
