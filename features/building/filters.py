"""Find the event types that a filter matches, and check the filter against the vocabulary."""

from __future__ import annotations

from typing import Protocol

from domain.errors import nearest
from events.vocabulary import ATTRIBUTES_TYPE
from features.building.draft import Draft, Path
from features.definitions import Where


class Report(Protocol):
    """Receives the problems of a filter."""

    def __call__(self, path: Path, what: str, got: str | None, expected: str) -> None:
        """Add a problem at a path below the declaration."""
        ...


def matching_types(draft: Draft, where: Where, report: Report) -> tuple[str, ...]:
    """List the event types that match a filter's group and types; all but attributes if it names neither.

    Reports unknown groups, types, channels, products, properties and values. Empty if the group or a type is unknown.
    """
    vocabulary = draft.vocabulary
    known = [*vocabulary.types, ATTRIBUTES_TYPE]
    types = tuple(vocabulary.types)
    if where.group is not None:
        types = draft.groups.get(where.group, ())
        if not types:
            report(
                ("where", "group"),
                "no event type has the group",
                f"'{where.group}'",
                nearest(where.group, draft.groups),
            )
    for position, name in enumerate(where.types):
        if name not in known:
            report(("where", "types", position), "unknown event type", f"'{name}'", nearest(name, known))
            types = ()
    if where.types and types:
        matching = [name for name in where.types if where.group is None or name in types]
        if not matching:
            expected = f"one of {', '.join(types)}"
            report(("where", "types"), f"none of the types has the group {where.group}", None, expected)
        types = tuple(matching)
    if where.channel is not None and where.channel not in vocabulary.channels:
        expected = nearest(where.channel, vocabulary.channels)
        report(("where", "channel"), "unknown channel", f"'{where.channel}'", expected)
    if where.product is not None and where.product not in vocabulary.products:
        expected = nearest(where.product, vocabulary.products)
        report(("where", "product"), "unknown product", f"'{where.product}'", expected)
    for name, value in where.properties.items():
        _check_property(draft, types, name, value, report)
    return types


def _check_property(draft: Draft, types: tuple[str, ...], name: str, value: str, report: Report) -> None:
    path = ("where", "properties", name)
    for event_type in types:
        declared = draft.properties(event_type)
        if name not in declared:
            report(path, f"unknown property of {event_type}", f"'{name}'", nearest(name, declared))
            return
        match declared[name].type:
            case "category":
                valid = declared[name].allowed
            case "boolean":
                valid = ("false", "true")
            case _:
                continue
        if value not in valid:
            report(path, f"{name} of {event_type} never has this value", f"'{value}'", nearest(value, valid))
            return
