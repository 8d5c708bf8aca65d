"""The stage process done slowly: one customer and one grid midnight at a time, with conditions written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.event import Event
from tests.features.slow import visible

Entry = tuple[str, date, str | None]
"""Stage, day of entry, previous stage."""


def stage_entries(
    events: Sequence[Event],
    customer: str,
    until: datetime,
    zone: ZoneInfo,
    every: int,
    conditions: Sequence[tuple[str, Callable[[list[Event], datetime], bool], int]],
) -> list[Entry]:
    entries: list[Entry] = []
    stay = 0
    first = min((one.occurred_at.date() for one in events), default=until.date())
    day = date(2001, 1, 1) + timedelta(days=((first - date(2001, 1, 1)).days // every - 2) * every)
    while (midnight := datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)) <= until:
        seen = visible(events, customer, midnight)
        if seen:
            found = next(((name, days) for name, holds, days in conditions if holds(seen, midnight)), None)
            current = entries[-1] if entries else None
            free = current is None or (day - current[1]).days >= stay
            if found is not None and free and (current is None or found[0] != current[0]):
                entries.append((found[0], day, current[0] if current else None))
                stay = found[1]
        day += timedelta(days=every)
    return entries
