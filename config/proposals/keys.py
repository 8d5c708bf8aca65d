"""The keys of one entry as text: read, and changed one by one so that all else, comments too, stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent

from config.content import MAXIMUM_DEPTH, shallow_yaml
from domain.errors import DataError

Value = str | tuple[str, ...]
"""A text or number as it is written, or the items of a list; an empty one is a key that is not there."""

_PLAIN: Final = re.compile(r"[^\W_][\w.+-]*(?: [\w.+-]+)*")
_LITERAL: Final = ("|", ">")


@dataclass(frozen=True, slots=True)
class EntryKey:
    """A key of an entry, and where its value is in the text.

    Attributes:
        start: Where the key begins.
        value_start: Where its value begins.
        value_end: Where its value ends, without the comment after it.
        text: The value as it is written, or what a scalar says.
        items: Items of a list of scalars; None for anything else.
        is_scalar: Whether the value is a single text or number.
    """

    start: int
    value_start: int
    value_end: int
    text: str
    items: tuple[str, ...] | None
    is_scalar: bool


def keys_in(entry: str) -> dict[str, EntryKey]:
    r"""Return the keys of an entry; none of an empty one.

    Raises:
        DataError: The entry is not YAML, or no mapping.

    Example:
        >>> {name: key.items or key.text for name, key in keys_in("name: a # b\ntags: [x, y]\n").items()}
        {'name': 'a', 'tags': ('x', 'y')}
    """
    if not entry.strip():
        return {}
    try:
        events = [event for event in _shallow(entry) if event.start_mark is not None]
    except YAMLError as error:
        raise DataError("the entry is not YAML", remedy="change it as text") from error
    inside = iter(events[2:-2])
    if not _is(next(inside, None), "MappingStart"):
        raise DataError("the entry is no mapping", expected="such as name: savings_autumn", remedy="change it as text")
    found = {}
    for event in inside:
        if _is(event, "MappingEnd"):
            break
        value = _node(inside)
        found[str(event.value)] = _key(entry, int(event.start_mark.index), value)
    return found


def _shallow(entry: str) -> Iterator[Any]:
    """Yield the events of an entry, which may name anchors of other entries, as long as it is not nested deeply."""
    depth = 0
    for event in shallow_yaml().parse(entry):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAXIMUM_DEPTH:
            raise DataError("the entry is nested too deeply", expected=f"at most {MAXIMUM_DEPTH} levels")
        yield event


def values_in(entry: str) -> dict[str, Value]:
    """Return what the keys of an entry say, as `with_values` takes it; what is not plain is as it is written."""
    return {name: key.text if key.items is None else key.items for name, key in keys_in(entry).items()}


def with_values(entry: str, values: Mapping[str, Value], numbers: Sequence[str] = (), raw: Sequence[str] = ()) -> str:
    r"""Return an entry with other values: an empty one removes its key; keys that stay the same keep every byte.

    Args:
        entry: The entry as text.
        values: Key -> value.
        numbers: Keys whose text is written without quotes.
        raw: Keys whose text is YAML.

    Example:
        >>> with_values("name: a\ncost: 1 # low\n", {"cost": "2", "tags": ("x",)}, ["cost"])
        'name: a\ncost: 2 # low\ntags: [x]\n'
    """
    for name, value in values.items():
        keys = keys_in(entry)
        key = keys.get(name)
        if value == (type(value)() if key is None else key.text if key.items is None else key.items):
            continue
        if key is not None and not value:
            entry = _without(entry, keys, name)
        else:
            entry = _with(entry, key, name, _written(name, value, numbers, raw))
    return entry


def _key(entry: str, start: int, value: list[Any]) -> EntryKey:
    first, last = value[0], value[-1]
    begin, end = int(first.start_mark.index), int(last.end_mark.index)
    if _is(first, "Scalar"):
        if getattr(first, "style", None) in _LITERAL:
            end = begin + len(entry[begin:end].rstrip())
        return EntryKey(start, begin, end, str(first.value), None, is_scalar=True)
    if not _is(first, "Alias") and not first.flow_style:
        # a block ends where its last part does: what follows may be a comment about something else
        parts = [event for event in value[:-1] if not (_is(event, "End") and not _is_flow_end(entry, event))]
        end = max(int(event.end_mark.index) for event in parts)
    listed = _is(first, "SequenceStart") and first.anchor is None and all(_is(one, "Scalar") for one in value[1:-1])
    items = tuple(str(one.value) for one in value[1:-1]) if listed else None
    return EntryKey(start, begin, end, _outdented(entry, begin, end), items, is_scalar=False)


def _node(events: Iterator[Any]) -> list[Any]:
    """Return the events of the next node."""
    found, depth = [], 0
    for event in events:
        found.append(event)
        depth += _is(event, "Start") - _is(event, "End")
        if depth == 0:
            return found
    return found


def _is(event: Any, kind: str) -> bool:
    return type(event).__name__.removesuffix("Event").endswith(kind)


def _is_flow_end(entry: str, event: Any) -> bool:
    return int(event.end_mark.index) > int(event.start_mark.index)


def _outdented(entry: str, begin: int, end: int) -> str:
    """Return a value as it is written; the lines of a block as if it began in the first column."""
    text = entry[begin:end]
    column = begin - entry.rfind("\n", 0, begin) - 1
    if text[:1] in "&*[{!" or not column:
        return text
    return "\n".join(line.removeprefix(" " * column) for line in text.split("\n"))


def _indented(text: str, column: int) -> str:
    if text[:1] in "&*[{!":
        return text
    return text.replace("\n", "\n" + " " * column)


def _written(name: str, value: Value, numbers: Sequence[str], raw: Sequence[str]) -> str:
    if not isinstance(value, str):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    return value.strip() if name in raw else _scalar(value, is_number=name in numbers)


def _scalar(text: str, *, is_number: bool = False) -> str:
    """Write a text so that YAML reads the same text; a number without quotes."""
    text = " ".join(text.split())
    if _PLAIN.fullmatch(text) and (is_number or shallow_yaml().load(text) == text):
        return text
    if is_number and re.fullmatch(r"[-+.\w]+", text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _with(entry: str, key: EntryKey | None, name: str, text: str) -> str:
    if key is not None:
        column = key.value_start - entry.rfind("\n", 0, key.value_start) - 1
        return entry[: key.value_start] + _indented(text, column) + entry[key.value_end :]
    if entry.lstrip().startswith("{"):
        close = entry.rindex("}")
        before = entry[:close].rstrip()
        return f"{before}{'' if before.endswith('{') else ', '}{name}: {text}{entry[close:]}"
    block = text.startswith("- ") or ("\n" in text and text[:1] not in "&*[{!")
    shown = f"{name}:\n  {_indented(text, 2)}" if block else f"{name}: {text}"
    return f"{entry.rstrip()}\n{shown}\n" if entry.strip() else f"{shown}\n"


def _without(entry: str, keys: Mapping[str, EntryKey], name: str) -> str:
    key = keys[name]
    if entry.lstrip().startswith("{"):
        later = [other.start for other in keys.values() if other.start > key.start]
        if later:
            return entry[: key.start] + entry[min(later) :]
        earlier = [other.value_end for other in keys.values() if other.start < key.start]
        return entry[: max(earlier, default=key.start)] + entry[key.value_end :]
    first = entry.rfind("\n", 0, key.start) + 1
    last = entry.find("\n", key.value_end)
    return entry[:first] + ("" if last < 0 else entry[last + 1 :])
