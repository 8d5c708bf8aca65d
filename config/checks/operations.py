"""Checks of `schedule.yaml`, `retention.yaml` and `network.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from config.operations import Network, Retention, Schedule
from domain.addresses import entry_mistake
from domain.errors import Problem

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST: Final = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_ITEM: Final = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")


def cron_mistake(line: str) -> tuple[str, str] | None:
    """Return what is wrong with a cron line, as (got, expected); None if it is valid.

    Example:
        >>> cron_mistake("30 5 * * mon-fri")
        >>> cron_mistake("30 25 * * *")
        ("'25' as hour", '0 to 23, *, lists, ranges or steps')
        >>> cron_mistake("0 4 31 2 *")
        ("'0 4 31 2 *'", 'a day that exists')
    """
    parts = line.split()
    if len(parts) != len(_FIELDS):
        fields = ", ".join(name for name, *_ in _FIELDS)
        return f"'{line}' of {len(parts)} fields", f"5 fields: {fields}"
    values = []
    for part, (name, least, most, names) in zip(parts, _FIELDS, strict=True):
        chosen = _chosen(part, least, most, names)
        if chosen is None:
            return f"'{part}' as {name}", f"{least} to {most}, *, lists, ranges or steps"
        values.append(chosen)
    _, _, days, months, _ = values
    if parts[4] == "*" and not any(min(days) <= _LONGEST[month] for month in months):
        return f"'{line}'", "a day that exists"
    return None


def _chosen(field: str, least: int, most: int, names: dict[str, int]) -> set[int] | None:
    """Return the numbers that a field matches; None if it is not valid."""
    chosen: set[int] = set()
    for item in field.lower().split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            return None
        first = least if match["first"] is None else _number(match["first"], names)
        last = most if match["first"] is None or (match["step"] and match["last"] is None) else first
        last = last if match["last"] is None else _number(match["last"], names)
        step = int(match["step"] or 1)
        if first is None or last is None or not least <= first <= last <= most or not 1 <= step <= most:
            return None
        chosen.update(range(first, last + 1, step))
    return chosen


def _number(text: str, names: dict[str, int]) -> int | None:
    if text in names:
        return names[text]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else None


FILE: Final = "schedule.yaml"


def schedule_problems(schedule: Schedule) -> Iterator[Problem]:
    """Find invalid cron lines, and lines that never match."""
    for flow in fields(schedule):
        line = getattr(schedule, flow.name)
        mistake = None if line is None else cron_mistake(line)
        if mistake is not None:
            got, expected = mistake
            yield Problem(file=FILE, path=(flow.name,), what="not a cron line", got=got, expected=expected)


RETENTION_FILE: Final = "retention.yaml"
LEAST_DAYS: Final = 90
"""Responses to offers take weeks, by letter up to two months, and need the decision that they answer."""


def retention_problems(retention: Retention) -> Iterator[Problem]:
    """Find retention times that are too short for learning, or that contradict each other."""
    decisions, explanations = retention.decisions_days, retention.explanations_days
    if decisions is not None and decisions < LEAST_DAYS:
        expected = f"{LEAST_DAYS} or more: late outcomes need the decision that they answer"
        yield Problem(
            file=RETENTION_FILE, path=("decisions_days",), what="too short", got=str(decisions), expected=expected
        )
    if explanations is None:
        return
    if explanations < 1:
        yield Problem(
            file=RETENTION_FILE,
            path=("explanations_days",),
            what="too short",
            got=str(explanations),
            expected="1 or more",
        )
    if decisions is not None and explanations > decisions:
        expected = f"at most decisions_days, {decisions}: the archive is not changed any more"
        yield Problem(
            file=RETENTION_FILE, path=("explanations_days",), what="too long", got=str(explanations), expected=expected
        )


NETWORK_FILE: Final = "network.yaml"


def network_problems(network: Network) -> Iterator[Problem]:
    """Find entries that are not a host, address or network."""
    for place, entry in enumerate(network.inside):
        expected = entry_mistake(entry)
        if expected is not None:
            what = "not a host, address or network"
            yield Problem(file=NETWORK_FILE, path=("inside", place), what=what, got=f"'{entry}'", expected=expected)
