"""Readings of what is watched, as pages show them: the lights of the last night, and what is not green."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from console.languages import N_, Texts
from console.languages.sentences import in_words
from console.tables import Column, Table
from domain.health import Light, Reading
from serving.watching.alarms import read_health

LIGHTS: Final = (Light.RED, Light.AMBER, Light.UNKNOWN, Light.GREEN)
CHECKS: Final = {
    "stale_hours": N_("Fresh data and decisions"),
    "day_share": N_("Whole days"),
    "drift": N_("Features and scores that moved"),
    "impressions": N_("Offers that are presented"),
    "acceptance": N_("Acceptance against the week before"),
    "calibration": N_("Acceptances against propensities"),
    "realised": N_("Realised against expected value"),
    "without_offer_inbound": N_("Inbound decisions without an offer"),
    "without_offer_outbound": N_("Outbound decisions without an offer"),
    "confirmed_share": N_("Exported contacts that are confirmed"),
}
"""What is watched, in words."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The last readings of a bank.

    Attributes:
        as_of: When they were taken; None before the first time.
        lights: Number of readings by light, the worst first.
        by_check: Lights of each check.
        bright: Readings that are not green, the worst first.
        whole: All readings, to be had as data.
        failed: Ways on which nobody could be told, with the reason.
    """

    as_of: datetime | None
    lights: dict[str, int]
    by_check: Table
    bright: Table
    whole: Table
    failed: dict[str, str]


def last_readings(folder: Path, texts: Texts) -> Readings:
    """Return the last readings.

    Args:
        folder: Folder of the bank's figures.
        texts: Messages of the page.

    Raises:
        StateError: Their file is damaged.
    """
    health = read_health(folder)
    lights = Counter(one.light for one in health.readings)
    rows = [
        {
            "light": one.light.value,
            "check": texts(CHECKS[one.check]),
            "what": in_words(one.sentence, texts),
            "subject": one.subject,
            "value": one.value,
            "told_at": health.told.get(one.key),
        }
        for one in health.readings
    ]
    columns = (
        Column("light", texts("Light"), "light"),
        Column("check", texts("What is watched")),
        Column("what", texts("Reading")),
    )
    told = (*columns, Column("told_at", texts("Told"), "moment"))
    bright = [row for row in rows if row["light"] != Light.GREEN]
    none_yet = texts("Nothing has been read yet. The nightly run takes all readings.")
    empty = texts("Everything is green.") if rows else none_yet
    caption = texts("What is not green")
    return Readings(
        as_of=health.as_of,
        lights={light.value: lights[light] for light in LIGHTS},
        by_check=_by_check(health.readings, texts, none_yet),
        bright=Table("not_green", caption, told if any(row["told_at"] for row in bright) else columns, bright, empty),
        whole=Table("readings", texts("All readings"), told, rows, none_yet),
        failed=dict(health.failed),
    )


def _by_check(readings: Sequence[Reading], texts: Texts, empty: str) -> Table:
    counts = Counter((one.check, one.light) for one in readings)
    checks = sorted({one.check for one in readings}, key=[*CHECKS].index)
    rows = [
        {
            "worst": next(light.value for light in LIGHTS if counts[check, light]),
            "check": texts(CHECKS[check]),
            **{light.value: counts[check, light] for light in LIGHTS},
        }
        for check in checks
    ]
    columns = (
        Column("check", texts("What is watched")),
        Column("worst", texts("Worst light"), "light"),
        *(Column(light.value, texts.name(light.value), "count") for light in LIGHTS),
    )
    return Table("lights", texts("Lights by what is watched"), columns, rows, empty)
