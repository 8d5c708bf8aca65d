"""What the benchmark of features computes: eighty windowed features at nine monthly anchors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from features.calendar import Calendar
from features.definitions import AggregateKind
from features.moments import utc_microseconds

ZONE = ZoneInfo("Europe/Amsterdam")
TYPES = tuple(f"type_{number}" for number in range(8))
WINDOWS = (30, 90, 180, 365)
START, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 540


@dataclass(frozen=True, slots=True)
class Wanted:
    """One feature; `window` in days, None for all history."""

    name: str
    kind: AggregateKind
    event_type: str
    window: int | None


def wanted_features() -> list[Wanted]:
    """List the eighty: counts, sums, means, extremes, active days and recencies over types and windows."""
    plan: list[tuple[AggregateKind, tuple[str, ...], tuple[int | None, ...]]] = [
        ("count", TYPES[:5], WINDOWS),
        ("sum", TYPES[:5], WINDOWS),
        ("mean", TYPES[:2], WINDOWS),
        ("min", TYPES[2:4], WINDOWS),
        ("max", TYPES[2:4], WINDOWS),
        ("distinct_days", TYPES[4:6], WINDOWS),
        ("days_since_last", TYPES, (None,)),
    ]
    return [
        Wanted(f"{kind}_{event_type}" + (f"_{window}d" if window else ""), kind, event_type, window)
        for kind, types, windows in plan
        for event_type in types
        for window in windows
    ]


def anchors() -> list[datetime]:
    """Give nine local midnights, thirty days apart, the last at the end of the log."""
    calendar = Calendar(ZONE)
    end = utc_microseconds(START).astype(np.int64) + DAYS * 86_400_000_000
    day = calendar.day_index(np.array([end]))[0]
    midnights = calendar.beginning(np.arange(day - 240, day + 1, 30, dtype=np.int64))
    return [datetime.fromtimestamp(int(midnight) / 1e6, tz=UTC) for midnight in midnights]


def lower_edges(anchor: datetime) -> dict[int, datetime]:
    """Give the beginning of each window of an anchor: the local midnight so many days before."""
    calendar = Calendar(ZONE)
    moment = np.array([utc_microseconds(anchor).astype(np.int64)])
    return {
        window: datetime.fromtimestamp(int(calendar.days_before(moment, window)[0]) / 1e6, tz=UTC) for window in WINDOWS
    }
