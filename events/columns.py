"""The columns of a file that a mapping reads."""

from __future__ import annotations

from collections.abc import Iterator

from events.conditions import Condition
from events.mapping import ID_FIELDS, ROW_NUMBER, Sign, Source


def columns_of(source: Source) -> tuple[str, ...]:
    """List the columns of its own file that a source reads, each once.

    Example:
        >>> columns_of(Source(name="crm", columns={"event_id": ("case", "step"), "customer_id": "case"}))
        ('case', 'step')
    """
    elsewhere = {ROW_NUMBER, *(source.lookup.adds if source.lookup else ())}
    return tuple(name for name in dict.fromkeys(_all(source)) if name not in elsewhere)


def id_columns(source: Source) -> dict[str, str]:
    """Return the columns that hold ids, each with the first field that reads it."""
    found: dict[str, str] = {}
    for field in ID_FIELDS:
        for part in source.parts:
            for column in columns_of_field(part, field):
                found.setdefault(column, field)
    return found


def columns_of_field(source: Source, field: str) -> tuple[str, ...]:
    """Return the columns that a field is read from."""
    columns = source.columns.get(field, ())
    return (columns,) if isinstance(columns, str) else columns


def _all(source: Source) -> Iterator[str]:
    if source.lookup:
        yield source.lookup.own_column
    yield from _conditions(source.when)
    for event, part in zip(source.events or (None,), source.parts, strict=True):
        yield from _conditions(event.when if event else ())
        for field in part.columns:
            yield from columns_of_field(part, field)
        for joined in part.value_columns.values():
            yield from joined
        yield from part.properties.values()
        for duration in part.durations.values():
            yield from (duration.start, duration.end)
        if isinstance(part.sign, Sign):
            yield part.sign.column


def _conditions(conditions: tuple[Condition, ...]) -> Iterator[str]:
    yield from (condition.column for condition in conditions)
