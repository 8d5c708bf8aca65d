"""Readings of the data: how fresh it is, whether a day is whole, and whether features and scores have drifted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from config.watching import Limits
from decisioning.monitoring.drift import drift
from decisioning.policies.draws import hashes_of
from domain.counts import counted
from domain.health import Light, Reading, light_of
from events.log import EventLog
from features.calendar import Calendar
from records.event_rows import microseconds
from serving.batch.part import FEATURES, OFFERS
from serving.figures.files import RunFigures, read_runs

NEVER_DRIFTS: Final = frozenset({"customer_id", "as_of"})
WEEKS: Final = 4
DAYS_OF_WEEK: Final = 7
LEAST_ROWS: Final = 200
"""Customers in each of two runs below whom nothing is said of drift."""


def freshness(
    log: EventLog, figures: Path, limits: Limits, now: datetime, ended: datetime | None = None
) -> Iterator[Reading]:
    """Read how old the latest news and the last decided night are.

    Args:
        log: The event log.
        figures: Folder with the figures of runs.
        limits: Limits of the lights.
        now: The moment of the reading.
        ended: The end of what the sources know, if they say so: while nothing newer has come, nothing is late.
    """
    runs = read_runs(figures)
    moments = {
        "event log": log.last_available_at(),
        "decided night": datetime.fromisoformat(runs[-1].as_of) if runs else None,
    }
    for subject, moment in moments.items():
        if moment is not None and ended is not None and moment <= ended:
            last = f"{ended - timedelta(days=1):%Y-%m-%d}"
            said = f"the sources end with {last}, as complete_until says, and nothing newer has come"
            yield Reading(check="stale_hours", subject=subject, light=Light.UNKNOWN, value=None, sentence=said)
            continue
        hours = float("nan") if moment is None else (now - moment) / timedelta(hours=1)
        light = light_of(hours, limits.stale_hours.amber, limits.stale_hours.red)
        said = f"the {subject} is {hours:.0f} hours old" if moment is not None else f"there is no {subject} yet"
        yield Reading(check="stale_hours", subject=subject, light=light, value=_known(hours), sentence=said)


def whole_days(log: EventLog, calendar: Calendar, limits: Limits, now: datetime) -> Iterator[Reading]:
    """Read whether the last whole day has as many events as its weekday usually has."""
    last = _last_day(log, calendar, _day(calendar, now))
    if last is None:
        return
    events, *usual = events_of_days(log, calendar, [last - week * DAYS_OF_WEEK for week in range(WEEKS + 1)])
    typical = float(np.median(usual))
    share = events / typical if typical > 0.0 else float("nan")
    light = light_of(share, limits.day_share.amber, limits.day_share.red)
    day = calendar.date_of(last)
    said = f"{counted(events, 'event')} on {day}, {typical:,.0f} usually on this weekday"
    yield Reading(check="day_share", subject=f"{day:%A}", light=light, value=_known(share), sentence=said)


def events_of_days(log: EventLog, calendar: Calendar, days: Sequence[int]) -> list[int]:
    """Count the log's events on local days, given by number; only these are read."""
    wanted = np.array(days, dtype=np.int64)
    spans = np.column_stack([calendar.beginning(wanted), calendar.beginning(wanted + 1)])
    total = np.zeros(len(wanted), dtype=np.int64)
    for bucket in range(log.buckets):
        occurred = log.read_days(bucket, spans)["occurred_at"].cast(pa.int64()).to_numpy()
        total += (calendar.day_index(occurred)[:, None] == wanted).sum(axis=0)
    return [int(count) for count in total]


def _last_day(log: EventLog, calendar: Calendar, today: int) -> int | None:
    """Return the last day before today with an event; None if there is none."""
    first, latest = log.first_occurred_at(), log.last_available_at()
    if first is None or latest is None:
        return None
    earliest, end = _day(calendar, first), min(today, _day(calendar, latest) + 1)
    while end > earliest:
        days = range(max(earliest, end - DAYS_OF_WEEK), end)
        found = [day for day, count in zip(days, events_of_days(log, calendar, days), strict=True) if count]
        if found:
            return found[-1]
        end = days[0]
    return None


def _day(calendar: Calendar, moment: datetime) -> int:
    """Return the number of a moment's local day."""
    return int(calendar.day_index(np.array([microseconds(moment)]))[0])


def drifts(figures: Path, decisions: Path, limits: Limits) -> Iterator[Reading]:
    """Read how far features and scores are from the first kept night that the same models decided."""
    runs = [run for run in read_runs(figures) if (decisions / run.folder / FEATURES).is_dir()]
    if not runs:
        return
    last, first = runs[-1], next(run for run in runs if _models(run) == _models(runs[-1]))
    if first is last:
        said = "only one night was decided by these models, so that nothing can have moved"
        yield Reading(check="drift", subject="", light=Light.UNKNOWN, value=None, sentence=said)
        return
    earlier, later = (_columns(decisions / run.folder) for run in (first, last))
    for name in sorted(set(earlier) & set(later)):
        if min(len(earlier[name]), len(later[name])) < LEAST_ROWS:
            continue
        found = drift(earlier[name], later[name])
        light = light_of(found.index, limits.drift.amber, limits.drift.red)
        if not found.exceeds(0.0):
            light = Light.GREEN
        said = f"{name} has moved by {found.index:.2f} since {first.day}, {found.by_chance:.2f} may be chance"
        yield Reading(check="drift", subject=name, light=light, value=found.index, sentence=said)


def _models(run: RunFigures) -> dict[str, str]:
    return {name: version for name, version in run.versions.items() if name not in {"bank", "policy"}}


def _columns(run: Path) -> dict[str, NDArray[np.float64]]:
    """Read the features of a run, and the propensities of its first offers."""
    features = ds.dataset(run / FEATURES, format="parquet").to_table()
    columns = {name: _numbers(features[name]) for name in features.column_names if name not in NEVER_DRIFTS}
    if (run / OFFERS).is_dir():
        offers = ds.dataset(run / OFFERS, format="parquet")
        first = offers.to_table(columns=["propensity"], filter=ds.field("rank") == 1)
        columns["propensity"] = _numbers(first["propensity"])
    return columns


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column as numbers, NaN for NULL; the same name has the same number in every run."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        numbers = np.append(hashes_of(coded.dictionary.to_pylist()).astype(np.float64), np.nan)
        found: NDArray[np.float64] = numbers[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        return found
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
