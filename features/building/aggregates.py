"""Expand declared aggregates to a feature for every window and member, checked against the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from domain.errors import Problem, nearest
from events.vocabulary import ATTRIBUTES_TYPE
from expressions.types import Category, ColumnType, Number
from features.building.draft import FILES, Draft, Origin, Path
from features.definitions import AGGREGATES, AggregateFeature, Feature, Where


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


LONGEST_WINDOW_DAYS = 3650
LONGEST_HALF_LIFE_DAYS = 3650
_UNIT_OF_TYPE = {"number": "number", "boolean": "yes/no", "category": "category"}


def expand_attributes(draft: Draft) -> None:
    """Make a feature of each customer attribute: its last known value."""
    for name, attribute in draft.vocabulary.attributes.items():
        kind = attribute.column_type
        if kind is None:
            continue
        unit = attribute.unit or _UNIT_OF_TYPE[attribute.type]
        aggregate = AggregateFeature(
            name=name,
            description=attribute.description or f"Last known {name.replace('_', ' ')}",
            aggregate="last",
            where=Where(types=(ATTRIBUTES_TYPE,)),
            of=name,
            unit=unit,
            topic="profile",
        )
        draft.features[name] = _feature(aggregate, name, kind, unit, personal=attribute.personal)


def expand_aggregates(
    draft: Draft, declarations: Sequence[AggregateFeature], origin: Origin, excluded: Sequence[str] = ()
) -> None:
    """Add the features of declarations. A common declaration with errors is left out; other errors are reported."""
    for position, declaration in enumerate(declarations):
        if declaration.name in excluded:
            draft.not_applicable.setdefault(_title(declaration), "excluded by the bank")
            continue
        path: Path = ("contact_limits",) if origin == "policy" else ("aggregates", position)
        found = _check(draft, declaration, origin, path)
        if found.problems and origin == "common":
            first = found.problems[0]
            draft.not_applicable[_title(declaration)] = f"{first.what}: {first.got}" if first.got else first.what
            continue
        for problem in found.problems:
            draft.add(problem)
        for feature in _expanded(draft, declaration, found):
            if found.problems:
                draft.broken.add(feature.name)
            elif draft.name_is_free(feature.name, FILES[origin], path if origin == "policy" else (*path, "name")):
                draft.features[feature.name] = replace(feature, internal=origin == "policy")
                if declaration.per == "product":
                    draft.of_products.add(feature.name)


class _Findings:
    """What a declaration means with this vocabulary, and its problems."""

    def __init__(self, origin: Origin, path: Path) -> None:
        self.problems: list[Problem] = []
        self.types: tuple[str, ...] = ()
        self.kind: ColumnType = Number()
        self.personal = False
        self._origin = origin
        self._path = path

    def report(self, path: Path, what: str, got: str | None, expected: str) -> None:
        """Add a problem; a policy's counts have no lines of their own."""
        place = self._path if self._origin == "policy" else (*self._path, *path)
        self.problems.append(Problem(file=FILES[self._origin], path=place, what=what, got=got, expected=expected))


def _check(draft: Draft, declaration: AggregateFeature, origin: Origin, path: Path) -> _Findings:
    found = _Findings(origin, path)
    if declaration.per is not None and not draft.members(declaration.per):
        found.report(("per",), f"the bank has no {declaration.per}", f"per: {declaration.per}", "some in events.yaml")
    if declaration.per is not None and getattr(declaration.where, declaration.per) is not None:
        found.report(
            ("where", declaration.per), f"per {declaration.per} and one {declaration.per}", None, "one of the two"
        )
    for position, days in enumerate(declaration.windows_days):
        if not 0 < days <= LONGEST_WINDOW_DAYS:
            expected = f"1 to {LONGEST_WINDOW_DAYS} days"
            found.report(("windows_days", position), "an impossible window", str(days), expected)
    _check_half_life(declaration, found)
    found.types = matching_types(draft, declaration.where, found.report)
    if found.types and AGGREGATES[declaration.aggregate].reads != "nothing":
        _check_measure(draft, declaration, found)
    return found


def _check_half_life(declaration: AggregateFeature, found: _Findings) -> None:
    days, expected = declaration.half_life_days, f"1 to {LONGEST_HALF_LIFE_DAYS} days"
    decays = AGGREGATES[declaration.aggregate].decays
    if decays and days is None:
        found.report(
            ("aggregate",), f"a {declaration.aggregate} without a half-life", None, f"half_life_days, {expected}"
        )
    elif not decays and days is not None:
        found.report(
            ("half_life_days",),
            f"a {declaration.aggregate} has no half-life",
            str(days),
            " or ".join(name for name, kind in AGGREGATES.items() if kind.decays),
        )
    elif days is not None and not 0 < days <= LONGEST_HALF_LIFE_DAYS:
        found.report(("half_life_days",), "an impossible half-life", str(days), expected)


def _check_measure(draft: Draft, declaration: AggregateFeature, found: _Findings) -> None:
    if declaration.of == "amount":
        return
    declared = [draft.properties(event_type).get(declaration.of) for event_type in found.types]
    first = declared[0]
    if first is None or any(other is None or other.type != first.type for other in declared):
        common = set.intersection(*(set(draft.properties(event_type)) for event_type in found.types))
        expected = nearest(declaration.of, {*common, "amount"})
        found.report(("of",), "not a property of every matching event type", f"'{declaration.of}'", expected)
        return
    kind = first.column_type
    numbers = AGGREGATES[declaration.aggregate].reads == "numbers"
    if kind is None or (numbers and not isinstance(kind, Number)):
        expected = "a number" if numbers else "a number, boolean or category"
        found.report(("of",), f"no {declaration.aggregate} of a {first.type}", f"'{declaration.of}'", expected)
        return
    if isinstance(kind, Category) and any(other != first for other in declared):
        values = dict.fromkeys(value for other in declared if other for value in other.values)
        kind = Category(tuple(values))
    found.kind = kind
    found.personal = any(other.personal for other in declared if other)


def _expanded(draft: Draft, declaration: AggregateFeature, found: _Findings) -> list[Feature]:
    windows: tuple[int | None, ...] = declaration.windows_days or (None,)
    features = []
    for member in draft.members(declaration.per):
        for window in windows:
            template = declaration.name + (f"_{window}d" if window is not None else "")
            where = replace(declaration.where, types=found.types)
            if declaration.per is not None and member is not None:
                where = replace(where, **{str(declaration.per): member})  # type: ignore[arg-type]  # a field's name
            narrowed = replace(declaration, where=where, per=None, windows_days=(window,) if window is not None else ())
            name = template if member is None else f"{member}_{template}"
            feature = _feature(narrowed, name, found.kind, draft.unit(declaration.unit), personal=found.personal)
            features.append(replace(feature, template=template, member=member) if member is not None else feature)
    return features


def _feature(aggregate: AggregateFeature, name: str, kind: ColumnType, unit: str, *, personal: bool) -> Feature:
    return Feature(
        name=name,
        type=kind,
        unit=unit,
        description=aggregate.description,
        topic=aggregate.topic,
        owner=aggregate.owner,
        aggregate=aggregate,
        personal=personal,
    )


def _title(declaration: AggregateFeature) -> str:
    return declaration.name if declaration.per is None else f"{{{declaration.per}}}_{declaration.name}"
