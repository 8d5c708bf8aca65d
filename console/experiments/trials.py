"""Trials: the verdict with its reason, the arms, and when one can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from console.experiments.gains import Row, cells_of, drawn
from console.experiments.triggered import triggered
from console.languages import Texts
from console.languages.sentences import in_words
from console.tables import Column, Table


def listed(trials: Sequence[Row], texts: Texts) -> Table:
    """Return all trials, with what each needs and its verdict."""
    rows = [
        {
            "trial": one["trial"],
            "question": one["question"],
            "starts": date.fromisoformat(one["starts"]),
            "ends": date.fromisoformat(one["ends"]),
            "verdict": None if one["result"] is None else one["result"]["verdict"]["word"],
            "reason": None if one["result"] is None else in_words(one["result"]["verdict"]["reason"], texts),
            "customers": one["customers"],
            "needed": one["needed"],
            "readable_from": None if one["readable_from"] is None else date.fromisoformat(one["readable_from"]),
        }
        for one in trials
    ]
    columns = (
        Column("trial", texts("Trial"), "name"),
        Column("starts", texts("First day"), "date"),
        Column("ends", texts("Last day"), "date"),
        Column("customers", texts("Assigned customers"), "count"),
        Column("needed", texts("Needed to tell the expected gain"), "count"),
        Column("readable_from", texts("Cannot tell before about"), "date"),
        Column("verdict", texts("Verdict"), "name"),
    )
    return Table("trials", texts("All trials"), columns, rows, texts("This bank's policies.yaml has no trials."))


def shown(one: Row, texts: Texts) -> dict[str, Any]:
    """Return a trial: its arms, a picture of their gains, the verdict, and when it can be read."""
    result = one["result"]
    found = {} if result is None else {arm["arm"]: arm for arm in result["arms"]}
    rows = [
        {
            "arm": arm,
            "share": share,
            "customers": found.get(arm, {}).get("customers"),
            "mean": found[arm]["mean"] if arm in found else _control_mean(one, arm),
            **cells_of("gain", found.get(arm, {}).get("gain")),
            "expected": found.get(arm, {}).get("shrunk_gain"),
            "guardrails": _guardrails(one, found.get(arm), texts),
        }
        for arm, share in one["shares"].items()
    ]
    columns = (
        Column("arm", texts("Arm"), "name"),
        Column("share", texts("Share"), "share"),
        Column("mean", texts("Realised for each"), "money"),
        Column("gain", texts("More than {group}", group=texts.name(one["control"])), "gain",
               interval=("gain_low", "gain_high")),
        Column("expected", texts("Expect, as winners look good"), "gain"),
        Column("guardrails", texts("Guardrails")),
    )  # fmt: skip
    title = texts("Arms of {trial}", trial=texts.name(one["trial"]))
    return {
        "name": one["trial"],
        "question": one["question"],
        "verdict": None if result is None else result["verdict"]["word"],
        "reason": None if result is None else in_words(result["verdict"]["reason"], texts),
        "progress": _progress(one, texts),
        "power": _power(one, texts),
        "chart": drawn([(texts.name(arm), row["gain"]) for arm, row in found.items()], title, texts),
        "table": Table(f"trial_{one['trial']}", title, columns, rows),
        "triggered": triggered(one, texts),
    }


def _control_mean(one: Row, arm: str) -> float | None:
    mean: float | None = one["result"]["control_mean"] if one["result"] and arm == one["control"] else None
    return mean


def _guardrails(one: Row, arm: Row | None, texts: Texts) -> str | None:
    if arm is None or not one["guardrails"]:
        return None
    broken = ", ".join(map(texts.name, arm["broken"]))
    return texts("broken: {events}", events=broken) if broken else texts("kept")


def _progress(one: Row, texts: Texts) -> str:
    days = {
        "starts": texts.date(date.fromisoformat(one["starts"])),
        "ends": texts.date(date.fromisoformat(one["ends"])),
    }
    if one["days"] < 1:
        return texts("Begins on {starts}, ends on {ends}.", **days)
    n, planned = texts.number(one["days"]), texts.number(one["days_planned"])
    return texts("Day {n} of {planned}, from {starts} to {ends}.", n=n, planned=planned, **days)


def _power(one: Row, texts: Texts) -> str:
    if one["needed"] is None:
        return texts("No outcome yet says how many customers it needs.")
    words = {"n": texts.number(one["customers"]), "needed": texts.number(one["needed"])}
    gain = texts.money(one["expected_gain"], 2)
    said = texts("{n} customers take part; {needed} are needed to tell a gain of {gain}.", gain=gain, **words)
    if one["readable_from"] is None:
        until = texts("Cannot tell before the trial is larger.")
    else:
        until = texts("Cannot tell before about {day}.", day=texts.date(date.fromisoformat(one["readable_from"])))
    return f"{said} {until}"
