"""Converts the nodes of a YAML file to plain values, each with its line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
Content = dict[str, Any] | list[Any] | str | int | float | bool | None

MAXIMUM_VALUES: Final = 200_000
"""Nested anchors can grow exponentially; no bank needs as many values."""
MAXIMUM_DEPTH: Final = 50

_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = ("true", "yes", "on", "y")


def shallow_yaml() -> YAML:
    """Return a reader that stops where lists and mappings are nested too deeply: scanning them takes quadratic time."""
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = 2 * MAXIMUM_DEPTH
    return yaml


class ContentError(Exception):
    """Part of a file cannot be converted to a value.

    Attributes:
        line: Line number, starting at 1.
    """

    def __init__(self, line: int, what: str, got: str, expected: str) -> None:
        super().__init__(what)
        self.line, self.what, self.got, self.expected = line, what, got, expected


class ContentReader:
    """Converts nodes to values.

    Attributes:
        lines: Line of each key and item, by path; values repeated by an anchor have the anchor's line.
        errors: What could not be converted; it is replaced by None.
    """

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.errors: list[ContentError] = []
        self._constructor = YAML(typ="safe", pure=True).constructor
        self._count = 0

    def read(self, node: Node, path: Path = (), ancestors: tuple[Node, ...] = ()) -> Content:
        """Convert a node and everything below it.

        Raises:
            ContentError: It contains itself, is nested too deeply, or is too large.
        """
        self.lines.setdefault(path, _line(node))
        self._enter(node, ancestors)
        inside = (*ancestors, node)
        match node:
            case MappingNode():
                return self._mapping(node, path, inside)
            case SequenceNode():
                return [self.read(item, (*path, position), inside) for position, item in enumerate(node.value)]
            case _:
                return self._scalar(node)

    def _enter(self, node: Node, ancestors: tuple[Node, ...]) -> None:
        """Count a value, each time it is repeated."""
        self._count += 1
        if any(node is ancestor for ancestor in ancestors):
            raise ContentError(
                _line(node), "an anchor contains itself", "a recursive value", "values without recursion"
            )
        if self._count > MAXIMUM_VALUES:
            raise ContentError(_line(node), "too many values", f"{self._count} values", f"at most {MAXIMUM_VALUES}")
        if len(ancestors) > MAXIMUM_DEPTH:
            raise ContentError(_line(node), "nested too deeply", "lists in lists", f"at most {MAXIMUM_DEPTH} levels")

    def _mapping(self, node: MappingNode, path: Path, inside: tuple[Node, ...]) -> dict[str, Content]:
        pairs: dict[str, tuple[int, Node]] = {}
        repeated: dict[str, tuple[int, Node]] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                for name, entry in self._merged(value, inside):
                    repeated.setdefault(name, entry)
            elif not isinstance(key, ScalarNode):
                self.errors.append(ContentError(_line(key), "a key is not a text", "a list or mapping", "a text"))
            elif key.value in pairs:
                first = pairs[key.value][0]
                self.errors.append(
                    ContentError(_line(key), "duplicate key", f"'{key.value}'", f"only the one in line {first}")
                )
            else:
                pairs[key.value] = (_line(key), value)
        for name, (line, _) in (entries := {**repeated, **pairs}).items():
            self.lines[*path, name] = line
        return {name: self.read(value, (*path, name), inside) for name, (_, value) in entries.items()}

    def _merged(self, node: Node, inside: tuple[Node, ...]) -> Iterator[tuple[str, tuple[int, Node]]]:
        """Yield the entries merged by `<<`, with the lines where they are written."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, MappingNode) or any(part is ancestor for ancestor in inside):
                raise ContentError(_line(node), "<< cannot be merged", "not a mapping", "an anchor of a mapping")
            self._enter(part, inside)
            for key, value in part.value:
                self._count += 1
                if key.tag == f"{_TAG}merge":
                    yield from self._merged(value, (*inside, part))
                elif isinstance(key, ScalarNode):
                    yield key.value, (_line(key), value)

    def _scalar(self, node: Node) -> Content:
        text = str(node.value)
        match str(node.tag).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" | "float" as kind:
                return self._number(node, text, kind)
            case "str" | "timestamp":
                return text
            case tag:
                self.errors.append(ContentError(_line(node), "an unknown tag", f"{tag}", "values without tags"))
                return None

    def _number(self, node: Node, text: str, kind: str) -> Content:
        construct = self._constructor.construct_yaml_int if kind == "int" else self._constructor.construct_yaml_float
        try:
            number: int | float = construct(node)
            finite = math.isfinite(float(number))
        except (ValueError, OverflowError):
            finite = False
        if not finite:
            got = text if len(text) <= 40 else f"{text[:37]}..."
            self.errors.append(ContentError(_line(node), "not a finite number", got, "a number below 1e308"))
            return None
        return number


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
