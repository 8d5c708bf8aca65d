"""Entries of a bank's YAML files as text: cut out, and put back so that every other byte stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from config.content import shallow_yaml
from config.proposals.anchors import with_anchors_moved, without_repeated_anchors
from domain.errors import DataError, nearest


@dataclass(frozen=True, slots=True)
class EntryKind:
    """Where the entries of a kind are.

    Attributes:
        file: File of the bank's folder.
        key: Key of their list; None if the file is the list.
    """

    file: str
    key: str | None = None


KINDS: Final = {
    "offer": EntryKind("offers.yaml"),
    "rule": EntryKind("policies.yaml", "rules"),
    "lever": EntryKind("policies.yaml", "levers"),
    "contact_limit": EntryKind("policies.yaml", "contact_limits"),
    "budget": EntryKind("budgets.yaml"),
}
"""What can be proposed, by the name that people use."""


def kind_of(name: str) -> EntryKind:
    """Return a kind of entry.

    Raises:
        DataError: There is no such kind.
    """
    if name not in KINDS:
        raise DataError("no such kind of entry", got=f"'{name}'", expected=nearest(name, KINDS))
    return KINDS[name]


def read_text(file: Path) -> str:
    """Read a file with its line ends as they are; empty if it is missing."""
    return file.read_bytes().decode("utf-8") if file.exists() else ""


def entry_names(text: str, kind: EntryKind) -> list[str]:
    """Return the names of the entries in a file's text."""
    return [name for item in _items(text, kind) if (name := _name_of(item)) is not None]


def entry_text(text: str, kind: EntryKind, name: str) -> str | None:
    r"""Return an entry as it is written, comments and all, from its first key on; None if there is none.

    Example:
        >>> entry_text("- name: a\n  cost: 1 # low\n- name: b\n", EntryKind("offers.yaml"), "a")
        'name: a\ncost: 1 # low\n'
    """
    lines = text.splitlines(keepends=True)
    for item in _items(text, kind):
        if _name_of(item) == name:
            first, last, column = _span(item)
            own = [lines[first][column:], *(_outdented(line, column) for line in lines[first + 1 : last + 1])]
            return "".join(own).replace("\r\n", "\n")
    return None


def with_entry(text: str, kind: EntryKind, name: str, entry: str) -> str:
    r"""Return a file's text with an entry replaced, added at the end of its list, or, if it is empty, removed.

    An anchor that others use moves to the first of them, and one that the file has already is not repeated.

    Raises:
        DataError: The file's list is written in one line, or is no list.

    Example:
        >>> offers = "- name: a\n  cost: 1 # low\n- name: b\n"
        >>> with_entry(offers, EntryKind("offers.yaml"), "a", "name: a\ncost: 2 # low\n")
        '- name: a\n  cost: 2 # low\n- name: b\n'
    """
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    new = [line.rstrip() for line in entry.strip().splitlines()]
    items = _items(text, kind)
    for item in items:
        if _name_of(item) == name:
            first, last, column = _span(item)
            new = without_repeated_anchors(lines[:first], new)
            lines = with_anchors_moved(lines, first, last, new)
            return "".join([*lines[:first], *_written(new, lines[first][:column], end), *lines[last + 1 :]])
    if not new:
        return text
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    new = without_repeated_anchors(lines, new)
    if items:
        first, last, column = _span(items[-1])
        return "".join([*lines[: last + 1], *_written(new, lines[first][:column], end), *lines[last + 1 :]])
    heading = [] if kind.key is None else [f"{kind.key}:{end}"]
    return "".join([*lines, *heading, *_written(new, "- ", end)])


def _written(entry: list[str], before: str, end: str) -> list[str]:
    """Indent an entry; `before` is what stands before its first key."""
    indent = " " * len(before)
    return [f"{before if number == 0 else indent if line else ''}{line}{end}" for number, line in enumerate(entry)]


def _outdented(line: str, column: int) -> str:
    if not line.strip():
        return line.lstrip(" ")  # an empty line stays one
    return line[column:] if not line[:column].strip() else line.lstrip(" ")


@lru_cache(maxsize=8)
def _items(text: str, kind: EntryKind) -> tuple[Node, ...]:
    try:
        node = shallow_yaml().compose(text)
    except YAMLError as error:
        raise DataError(f"{kind.file} is not YAML", remedy="nbo check says where") from error
    if kind.key is not None and isinstance(node, MappingNode):
        node = next((value for key, value in node.value if key.value == kind.key), None)
    elif kind.key is not None:
        node = None
    if node is None:
        return ()
    if not isinstance(node, SequenceNode) or (node.flow_style and node.value):
        raise DataError(
            f"{kind.key or 'the content'} of {kind.file} is not a list with one entry per line",
            remedy="write each entry in a line of its own that begins with a hyphen",
        )
    return tuple(node.value)


def _name_of(item: Node) -> str | None:
    if not isinstance(item, MappingNode):
        return None
    return next((str(value.value) for key, value in item.value if key.value == "name"), None)


def _span(item: Node) -> tuple[int, int, int]:
    """Return the first and the last line of an entry, and the column in which it begins."""
    return int(item.start_mark.line), _last_line(item), int(item.start_mark.column)


def _last_line(node: Node) -> int:
    """Return the line in which a node ends, without the comments after it."""
    start = int(node.start_mark.line)
    if not isinstance(node, SequenceNode | MappingNode) or node.flow_style:
        end: Any = node.end_mark
        # a text in several lines ends at the beginning of the line after it
        return int(end.line) - 1 if end.column == 0 and end.line > start else int(end.line)
    inside = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    return max((_last_line(part) for part in inside if part.start_mark.line >= start), default=start)
