"""Checks of a vocabulary, beyond the types of its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.errors import Problem, nearest
from events.delivery_checks import lookup_problems
from events.mapping import Source
from events.properties import canonical, expectation
from events.source_checks import source_problems
from events.vocabulary import ATTRIBUTES_TYPE, ContactEvents, Property, Vocabulary

_FILE = "events.yaml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_Path = tuple[str | int, ...]


def check_vocabulary(vocabulary: Vocabulary) -> list[Problem]:
    """Return all problems of a vocabulary.

    Example:
        >>> vocabulary = Vocabulary(channels=("app", "e-mail"), products=(), types={})
        >>> [problem.path for problem in check_vocabulary(vocabulary)]
        [('channels', 1), ('types',)]
    """
    return [
        *_names("channel", vocabulary.channels, ("channels",)),
        *_names("product", vocabulary.products, ("products",)),
        *_shared(vocabulary),
        *_types(vocabulary),
        *(
            problem
            for part, declared in (("attributes", vocabulary.attributes), ("request", vocabulary.request))
            for name, item in declared.items()
            for problem in _property(name, item, (part,))
        ),
        *(_contacts(vocabulary.contacts, vocabulary) if vocabulary.contacts else ()),
    ]


def check_sources(sources: Sequence[Source], vocabulary: Vocabulary) -> list[Problem]:
    """Return all problems of the mappings of sources, given a vocabulary.

    Example:
        >>> vocabulary = Vocabulary(channels=(), products=(), types={})
        >>> source = Source(name="crm", files=("*.csv",), columns={"customer_id": "id"}, constants={"type": "x"})
        >>> [problem.what for problem in check_sources([source], vocabulary)]
        ['unknown type', 'nothing fills a field that every event needs']
    """
    problems = [
        problem for position, source in enumerate(sources) for problem in source_problems(position, source, vocabulary)
    ]
    others = {source.name: source for source in sources}
    for position, source in enumerate(sources):
        problems += lookup_problems(position, source, others)
    names = [source.name for source in sources]
    for position, name in enumerate(names):
        if name in names[:position]:
            problems.append(
                Problem(
                    file="sources.yaml",
                    path=(position, "name"),
                    what="two sources have the same name",
                    got=f"'{name}'",
                    remedy="rename one of them",
                )
            )
    return problems


def _names(kind: str, names: Iterable[str], path: _Path, *, keyed: bool = False) -> Iterator[Problem]:
    """Check that names can be parts of feature names, and are unique."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        place = (*path, name if keyed else position)
        if not _NAME.fullmatch(name):
            yield Problem(
                file=_FILE,
                path=place,
                what=f"the name of a {kind} becomes part of the names of features",
                got=f"'{name}'",
                expected="lower case letters, digits and underscores, a letter first",
                remedy="give it such a name here, and map the source's own name in sources.yaml under `values`",
            )
        if name in seen:
            yield Problem(file=_FILE, path=place, what=f"a {kind} is listed twice", got=f"'{name}'")
        seen.add(name)


def _shared(vocabulary: Vocabulary) -> Iterator[Problem]:
    for position, name in enumerate(vocabulary.products):
        if name in vocabulary.channels:
            yield Problem(
                file=_FILE,
                path=("products", position),
                what="a product has the name of a channel, so that their features would have the same names",
                got=f"'{name}'",
                remedy="rename one of them",
            )


def _types(vocabulary: Vocabulary) -> Iterator[Problem]:
    if not vocabulary.types:
        yield Problem(file=_FILE, path=("types",), what="the vocabulary has no event types", expected="at least one")
    yield from _names("type", vocabulary.types, ("types",), keyed=True)
    for name, event_type in vocabulary.types.items():
        if name == ATTRIBUTES_TYPE:
            yield Problem(
                file=_FILE,
                path=("types", name),
                what=f"the type '{ATTRIBUTES_TYPE}' is reserved for sources of kind `attributes`",
                remedy="declare its properties under `attributes`",
            )
        yield from _names("group", event_type.groups, ("types", name, "groups"))
        for property_name, item in event_type.properties.items():
            yield from _property(property_name, item, ("types", name, "properties"))


def _property(name: str, item: Property, path: _Path) -> Iterator[Problem]:
    yield from _names("property", (name,), path, keyed=True)
    yield from _unreadable(name, item, path)
    place = (*path, name)
    if item.type == "category":
        if not item.values:
            yield Problem(
                file=_FILE,
                path=place,
                what="a category has no values",
                expected="`values`, with every value that it may have",
                remedy="list them, or declare it as `text` (kept, never a feature)",
            )
        for position, value in enumerate(item.values):
            if value in item.values[:position]:
                yield Problem(
                    file=_FILE, path=(*place, "values", position), what="a value is listed twice", got=f"'{value}'"
                )
    elif item.values or item.other:
        yield Problem(
            file=_FILE,
            path=(*place, "values" if item.values else "other"),
            what="only a category has values",
            got=f"type {item.type}",
            expected="type category",
        )


def _unreadable(name: str, item: Property, path: _Path) -> Iterator[Problem]:
    if item.unreadable is None:
        return
    place = (*path, name, "unreadable")
    if path != ("attributes",):
        yield Problem(
            file=_FILE,
            path=place,
            what="only an attribute can have `unreadable`: an event with an unreadable property is quarantined",
            got="`unreadable`",
            expected="it at an attribute",
        )
    elif item.unreadable not in ("keep", "unknown") and canonical(item.unreadable, item) != item.unreadable:
        yield Problem(
            file=_FILE,
            path=place,
            what=f"a value that '{name}' cannot have",
            got=f"'{item.unreadable}'",
            expected=f"keep, unknown, or {expectation(item)}",
        )


def _contacts(contacts: ContactEvents, vocabulary: Vocabulary) -> Iterator[Problem]:
    roles = contacts.roles
    for role, name in roles.items():
        place = ("contacts", role)
        if name not in vocabulary.types:
            yield Problem(
                file=_FILE,
                path=place,
                what="unknown event type",
                got=f"'{name}'",
                expected=nearest(name, vocabulary.types),
            )
        elif contacts.offer_property not in vocabulary.types[name].properties:
            yield Problem(
                file=_FILE,
                path=place,
                what=f"events of type '{name}' do not name their offer",
                expected=f"the property '{contacts.offer_property}' among its properties",
                remedy="declare it for the type, or correct `offer_property`",
            )
        if next(other for other, other_name in roles.items() if other_name == name) != role:
            yield Problem(file=_FILE, path=place, what="an event type plays two roles in contacts", got=f"'{name}'")
    probability, presented = contacts.selection_probability_property, vocabulary.types.get(contacts.presented)
    if probability is not None and presented is not None:
        declared = presented.properties.get(probability)
        if declared is None or declared.type != "number":
            yield Problem(
                file=_FILE,
                path=("contacts", "selection_probability_property"),
                what="no number that presented offers carry",
                got=f"'{probability}'" if declared is None else f"'{probability}', of type {declared.type}",
                expected=f"a property of type number of '{contacts.presented}'",
                remedy="declare it for the type, or leave `selection_probability_property` out",
            )
