"""What somebody should look at: readings that are not in order, pauses, and what the last run complains of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.languages import Texts
from console.languages.sentences import translated
from console.page import Visit
from console.pages.pauses import target_in_words
from console.readings import Readings

WATCHED: Final = frozenset({"red", "amber"})


def watched(readings: Readings, texts: Texts) -> list[dict[str, str]]:
    """Return the first reading of each check that is red or amber, and how many more there are."""
    by_check: dict[str, list[Mapping[str, Any]]] = {}
    for row in readings.bright.rows:
        if row["light"] in WATCHED:
            by_check.setdefault(row["check"], []).append(row)
    said = []
    for rows in by_check.values():
        more = len(rows) - 1
        what = texts("{reading}, and {n} more like it", reading=rows[0]["what"], n=more) if more else rows[0]["what"]
        said.append({"light": rows[0]["light"], "what": what})
    return said


def paused(visit: Visit) -> list[str]:
    """Say what is paused, until when and why."""
    texts, pauses = visit.texts, visit.service.pauses.in_force()
    return [
        texts(
            "{what} is paused until {moment}: {reason}",
            what=target_in_words(one.scope, one.name, texts),
            moment=texts.moment(one.until),
            reason=one.reason,
        )
        for one in pauses
    ]


def alarms(last: Mapping[str, Any], texts: Texts) -> list[str]:
    """Say what the last run complains of: rows in quarantine, models that are not champion, offers for nobody."""
    found = []
    files = last.get("import", {}).get("files") or []
    refused = files[-1]["quarantined"] if files else 0
    if refused:
        found.append(texts.plural("{n} row is in quarantine.", "{n} rows are in quarantine.", refused))
    found += [
        texts(
            "The {model} model is not champion: {why}",
            model=texts.name(name),
            why="; ".join(translated(one, texts) for one in model["failures"]),
        )
        for name, model in last.get("models", {}).items()
        if not model["champion"]
    ]
    silent = [
        row["offer"]
        for row in last.get("decisions", {}).get("reached", ())
        if row["grouping"] == "all" and not row["reached"]
    ]
    if silent:
        found.append(texts("Nobody is reached by {offers}.", offers=", ".join(map(texts.name, silent))))
    return found
