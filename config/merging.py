"""Merges a change into a YAML document, keeping track of where every value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Final, cast

from config.content import Content
from config.content import Path as ValuePath
from config.document import Document, Place
from config.problems import LocatedProblem
from config.shapes import keys_of, shape_at
from config.validation import described
from domain.errors import Problem, nearest

NAME: Final = "name"
"""Key by which entries of lists are matched."""

REMOVE: Final = "remove"
"""Key that removes an entry."""


@dataclass(slots=True)
class Merge:
    """Merge of a change into a document.

    Attributes:
        lines: Lines of values from the document, by their path in the result.
        elsewhere: Places of values from the change, by their path in the result.
        problems: Problems of the change.
    """

    document: Document
    change: Document
    lines: dict[ValuePath, int] = field(default_factory=dict)
    elsewhere: dict[ValuePath, Place] = field(default_factory=dict)
    problems: list[LocatedProblem] = field(default_factory=list)

    def merged(self, content: Content, change: Content, at: ValuePath, shape: Any) -> Content:
        """Merge content and change: a list of named entries, or a mapping that may contain such lists."""
        if not isinstance(content, dict):
            return self._entries(content, change, (), at, (), shape)
        if not isinstance(change, dict):
            self._report(
                at, f"'{at[-1]}' is not a mapping", described(change), f"one or more of {', '.join(keys_of(shape))}"
            )
            return content
        self._line((), ())
        result: dict[str, Any] = {}
        for key in {**content, **change}:
            below = shape_at(shape, (key,))
            if key not in change:
                result[key] = self._from_document(content[key], (key,), (key,))
            elif key in content and _has_names(below):
                result[key] = self._entries(content[key], change[key], (key,), (*at, key), (key,), below)
            elif _has_names(below):
                result[key] = self._entries([], change[key], (key,), (*at, key), (key,), below)
            else:
                result[key] = self._from_change(change[key], (*at, key), (key,))
        return result

    def _entries(
        self, content: Content, change: Content, source: ValuePath, at: ValuePath, to: ValuePath, shape: Any
    ) -> Content:
        """Merge a list of named entries.

        Args:
            content: The document's list.
            change: The change's list.
            source: Path of the list in the document.
            at: Path of the list in the change.
            to: Path of the list in the result.
            shape: Type of the list.
        """
        if not isinstance(content, list):
            return self._from_document(
                content, source, to
            )  # an error of the bank itself, reported when it is validated
        changes = self._by_name(change, at)
        names = [str(item[NAME]) for item in content if isinstance(item, dict) and NAME in item]
        result: list[Content] = []
        self._line(source, to)
        for position, item in enumerate(content):
            name = item.get(NAME) if isinstance(item, dict) else None
            entry = changes.pop(name, None) if isinstance(name, str) else None
            here, there = (*source, position), (*to, len(result))
            if entry is None:
                result.append(self._from_document(item, here, there))
            elif not self._removes(*entry):
                result.append(self._fields(cast("dict[str, Any]", item), entry, here, there))
        for entry in changes.values():
            if self._is_new(*entry, names, shape):
                result.append(self._from_change(entry[1], entry[0], (*to, len(result))))
        return result

    def _by_name(self, change: Content, at: ValuePath) -> dict[str, tuple[ValuePath, dict[str, Any]]]:
        if not isinstance(change, list):
            self._report(at, f"'{at[-1]}' is not a list", described(change), "a list of entries with names")
            return {}
        found: dict[str, tuple[ValuePath, dict[str, Any]]] = {}
        for position, entry in enumerate(change):
            here = (*at, position)
            name = entry.get(NAME) if isinstance(entry, dict) else None
            if not isinstance(name, str):
                self._report(
                    here, "an entry without a name", described(entry), "a mapping with the name of what changes"
                )
            elif name in found:
                self._report((*here, NAME), "changed twice", f"'{name}'", "one entry with all that changes")
            else:
                found[name] = (here, entry)
        return found

    def _removes(self, at: ValuePath, entry: Mapping[str, Any]) -> bool:
        if REMOVE not in entry:
            return False
        others = [key for key in entry if key not in (NAME, REMOVE)]
        if entry[REMOVE] is not True:
            self._report((*at, REMOVE), "wrong value of 'remove'", described(entry[REMOVE]), "true, or omit the key")
        elif others:
            self._report((*at, others[0]), "an entry both removed and changed", f"'{others[0]}'", "one or the other")
        return True

    def _is_new(self, at: ValuePath, entry: Mapping[str, Any], names: list[str], shape: Any) -> bool:
        missing = [key for key in _required(shape) if key not in entry]
        if not missing and REMOVE not in entry:
            return True
        remedy = None if REMOVE in entry else f"or complete the new entry: {', '.join(missing)}"
        self._report((*at, NAME), "no such name", f"'{entry[NAME]}'", nearest(entry[NAME], names), remedy)
        return False

    def _fields(
        self, item: Mapping[str, Any], entry: tuple[ValuePath, dict[str, Any]], here: ValuePath, there: ValuePath
    ) -> Content:
        at, changes = entry
        self._line(here, there)
        return {
            key: self._from_change(changes[key], (*at, key), (*there, key))
            if key in changes and key != NAME
            else self._from_document(item[key], (*here, key), (*there, key))
            for key in {**item, **changes}
        }

    def _from_document(self, content: Content, source: ValuePath, to: ValuePath) -> Content:
        for path in _paths(content):
            self._line((*source, *path), (*to, *path))
        return content

    def _from_change(self, content: Content, at: ValuePath, to: ValuePath) -> Content:
        for path in _paths(content):
            line = self.change.lines.get((*at, *path))
            if line is not None:
                self.elsewhere[*to, *path] = Place(self.change.file, line)
        return content

    def _line(self, source: ValuePath, to: ValuePath) -> None:
        line = self.document.lines.get(source)
        if line is not None:
            self.lines[to] = line

    def _report(self, at: ValuePath, what: str, got: str, expected: str, remedy: str | None = None) -> None:
        self.problems.append(self.change.located(problem_in(self.change, at, what, got, expected, remedy)))


def problem_in(
    change: Document, path: ValuePath, what: str, got: str, expected: str, remedy: str | None = None
) -> Problem:
    """Build a problem at a path of a change."""
    return Problem(file=change.file.name, path=path, what=what, got=got, expected=expected, remedy=remedy)


def _paths(content: Content) -> Iterator[ValuePath]:
    """Yield the paths of a value and of everything below it."""
    yield ()
    inside: Any = (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    )
    for step, value in inside:
        for path in _paths(value):
            yield (step, *path)


def _has_names(shape: Any) -> bool:
    return NAME in keys_of(shape_at(shape, (0,)))


def _required(shape: Any) -> tuple[str, ...]:
    kind = shape_at(shape, (0,))
    assert is_dataclass(kind), "lists of things with names are lists of specifications"
    return tuple(part.name for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING)
