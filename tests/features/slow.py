"""Features computed slowly: one customer, one moment, one event at a time. Only obvious correctness matters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import fsum
from zoneinfo import ZoneInfo

from domain.event import Event
from expressions.types import Boolean, Category, ColumnType, Number
from features.definitions import AggregateFeature, Feature


def visible(events: Sequence[Event], customer: str, as_of: datetime) -> list[Event]:
    return [
        one for one in events if one.customer_id == customer and one.occurred_at < as_of and one.available_at < as_of
    ]


def aggregated(
    feature: Feature, events: Sequence[Event], customer: str, as_of: datetime, zone: ZoneInfo
) -> float | None:
    declared = feature.aggregate
    assert declared is not None
    where = declared.where
    counted = [
        one
        for one in visible(events, customer, as_of)
        if one.type in where.types
        and (where.channel is None or one.channel == where.channel)
        and (where.product is None or one.product == where.product)
        and all(one.properties.get(name) == value for name, value in where.properties.items())
    ]
    if declared.windows_days:
        first_day = as_of.astimezone(zone).date() - timedelta(days=declared.windows_days[0])
        counted = [one for one in counted if one.occurred_at.astimezone(zone).date() >= first_day]
    if declared.half_life_days is not None:
        counted = [one for one in counted if _age(one, as_of, zone) < 40 * declared.half_life_days]
    times = [one.occurred_at for one in counted]
    match declared.aggregate:
        case "count":
            return len(counted)
        case "decayed_count":
            return fsum(_weight(one, declared, as_of, zone) for one in counted)
        case "distinct_days":
            return len({time.astimezone(zone).date() for time in times})
        case "days_since_first":
            return _days(as_of - min(times)) if times else None
        case "days_since_last":
            return _days(as_of - max(times)) if times else None
    kind = feature.type if declared.aggregate == "last" else Number()
    if declared.aggregate == "last":
        return _last(counted, declared, kind)
    measured = [(one.occurred_at, value) for one in counted if (value := _value(one, declared.of, kind)) is not None]
    values = [value for _, value in measured]
    match declared.aggregate:
        case "decayed_sum":
            weighted = [
                value / 10_000 * _weight(one, declared, as_of, zone)
                for one in counted
                if (value := _value(one, declared.of, kind)) is not None
            ]
            return fsum(weighted)
        case "sum":
            return sum(values) / 10_000
        case "mean":
            return sum(values) / 10_000 / len(values) if values else None
        case "min":
            return min(values) / 10_000 if values else None
        case "max":
            return max(values) / 10_000 if values else None
    raise AssertionError(declared.aggregate)


def _last(counted: Sequence[Event], declared: AggregateFeature, kind: ColumnType) -> float | None:
    """Take the value at the latest time that has one; a value reported as unknown is below every other."""
    known = [
        (one.occurred_at, -(10**20) if one.properties.get(declared.of) == "" else value)
        for one in counted
        if (value := _value(one, declared.of, kind)) is not None or one.properties.get(declared.of) == ""
    ]
    if not known:
        return None
    latest = [value for at, value in known if at == max(at for at, _ in known) and value is not None]
    value = min(latest) if declared.of_equal_times == "least" else max(latest)
    return None if value == -(10**20) else value / (10_000 if isinstance(kind, Number) else 1)


def _age(one: Event, as_of: datetime, zone: ZoneInfo) -> int:
    return (as_of.astimezone(zone).date() - one.occurred_at.astimezone(zone).date()).days


def _weight(one: Event, declared: AggregateFeature, as_of: datetime, zone: ZoneInfo) -> float:
    assert declared.half_life_days is not None
    return float(2 ** (-_age(one, as_of, zone) / declared.half_life_days))


def _days(elapsed: timedelta) -> float:
    return elapsed // timedelta(microseconds=1) / 86_400_000_000


def _value(one: Event, of: str, kind: ColumnType) -> int | None:
    if of == "amount":
        return None if one.amount is None else round(one.amount * 10_000)
    text = one.properties.get(of)
    if not text:
        return None
    match kind:
        case Category(values):
            return values.index(text) if text in values else None
        case Boolean():
            return {"true": 1, "false": 0}.get(text)
        case Number():
            return round(float(text) * 10_000)
