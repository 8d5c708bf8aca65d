"""Anchors that entries share: they move to their next user, and are not repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent, ScalarEvent

from domain.errors import DataError


@dataclass(frozen=True, slots=True)
class _Place:
    """An anchor with what it names, or an alias.

    Attributes:
        name: Name of the anchor.
        is_alias: Whether it is an alias.
        line: Line in which it begins.
        column: Column in which it begins.
        last: Last line of what it names.
        end: Column in which that ends there.
        in_block: Whether what it names is a list, mapping or text in lines of its own.
        in_flow: Whether it stands within brackets.
    """

    name: str
    is_alias: bool
    line: int
    column: int
    last: int
    end: int
    in_block: bool
    in_flow: bool


def with_anchors_moved(lines: Sequence[str], first: int, last: int, entry: Sequence[str]) -> list[str]:
    """Move the anchors of an entry, which the new entry has no more, to where they are next used.

    Args:
        lines: Lines of the file, with their ends.
        first: First line of the entry.
        last: Its last line.
        entry: Lines of the new entry.

    Raises:
        DataError: The next user is written in brackets, where a list over several lines cannot stand.
    """
    places = list(_places("".join(lines)))
    kept = {one.name for one in _places("\n".join(entry)) if not one.is_alias}
    found = list(lines)
    # from the last line up, so that lines before keep their numbers
    moved = [one for one in places if not one.is_alias and first <= one.line <= last and one.name not in kept]
    users = [(anchor, user) for anchor in moved if (user := _next_user(places, anchor, last)) is not None]
    for anchor, user in sorted(users, key=lambda pair: (-pair[1].line, -pair[1].column)):
        found[user.line : user.line + 1] = _written_at(user, anchor, lines, found[user.line])
    return found


def without_repeated_anchors(before: Sequence[str], entry: Sequence[str]) -> list[str]:
    r"""Return an entry in which anchors that the file has before are aliases, or gone if they name something else.

    Example:
        >>> without_repeated_anchors(["- name: a\n", "  tags: &t [x]\n"], ["name: b", "tags: &t [x]"])
        ['name: b', 'tags: *t']
        >>> without_repeated_anchors(["- name: a\n", "  tags: &t [x]\n"], ["name: b", "tags: &t [y]"])
        ['name: b', 'tags: [y]']
    """
    known = {one.name: _named(one, before) for one in _places("".join(before)) if not one.is_alias}
    found = list(entry)
    for one in sorted(_places("\n".join(entry)), key=lambda place: -place.line):
        if one.is_alias or one.name not in known:
            continue
        start, rest = entry[one.line][: one.column], entry[one.line][one.column + len(one.name) + 1 :]
        if known[one.name] == _named(one, entry):
            found[one.line : one.last + 1] = [f"{start}*{one.name}"]
        else:
            found[one.line] = (start + rest.lstrip()).rstrip()
    return found


def _next_user(places: Sequence[_Place], anchor: _Place, last: int) -> _Place | None:
    """Return the first alias after an entry, unless the anchor is given anew before it."""
    later = [one for one in places if one.name == anchor.name and one.line > last]
    return later[0] if later and later[0].is_alias else None


def _written_at(user: _Place, anchor: _Place, lines: Sequence[str], line: str) -> list[str]:
    """Return the lines in which a user's alias is replaced by the anchor and what it names."""
    content = line.rstrip("\r\n")
    end = line[len(content) :]
    start, rest = content[: user.column], content[user.column + len(user.name) + 1 :]
    own = [one.rstrip("\r\n") for one in lines[anchor.line : anchor.last + 1]]
    shift = _key_column(content) - _key_column(own[0])
    if not anchor.in_block:
        tail = own[-1][anchor.end :]
        named = "\n".join(own).removesuffix(tail)[anchor.column :].split("\n")
        below = _shifted(named[1:], shift)
        written = [f"{start}{named[0]}", *below]
        written[-1] += rest
        return [f"{one}{end}" for one in written]
    if user.in_flow:
        raise DataError(
            f"the anchor '{anchor.name}' cannot move to its next user, which is written in brackets",
            got=content.strip(),
            remedy="write that entry over several lines, or move the anchor by hand",
        )
    head = own[0][anchor.column + len(anchor.name) + 1 :]
    if rest.strip() and not head.lstrip().startswith(("|", ">")):
        head = rest  # the comment of the user, not that of the entry that goes
    return [f"{one}{end or chr(10)}" for one in [f"{start}&{anchor.name}{head}", *_shifted(own[1:], shift)]]


def _shifted(lines: Sequence[str], columns: int) -> list[str]:
    return [(" " * columns + one if columns >= 0 else one[-columns:]) if one.strip() else one for one in lines]


def _key_column(line: str) -> int:
    """Return the column of a line's first key.

    Example:
        >>> _key_column("  - name: a"), _key_column("    tags: []")
        (4, 4)
    """
    found = re.match(r" *(?:- +)*", line)
    return len(found.group()) if found else 0


def _named(place: _Place, lines: Sequence[str]) -> str:
    """Return what an anchor names, without its indentation."""
    own = [line.rstrip() for line in lines[place.line : place.last + 1]]
    head = own[0][place.column + len(place.name) + 1 :].split(" #", maxsplit=1)[0].strip()
    return "\n".join([head, dedent("\n".join(own[1:]))]).rstrip()


def _places(text: str) -> Iterator[_Place]:
    """Find anchors and aliases, in their order.

    Raises:
        DataError: It is not YAML.
    """
    try:
        events = list(YAML(typ="safe", pure=True).parse(text))
    except YAMLError as error:
        raise DataError("it is not YAML", remedy="nbo check says where") from error
    opened: list[bool] = []  # whether each open collection is written in brackets
    for number, event in enumerate(events):
        if isinstance(event, CollectionEndEvent):
            opened.pop()
        if isinstance(event, NodeEvent) and event.anchor:
            block = isinstance(event, CollectionStartEvent) and not event.flow_style
            block |= isinstance(event, ScalarEvent) and event.style in {"|", ">"}
            last, end = _end(events, number)
            yield _Place(
                name=str(event.anchor),
                is_alias=isinstance(event, AliasEvent),
                line=int(event.start_mark.line),
                column=int(event.start_mark.column),
                last=last,
                end=end,
                in_block=block,
                in_flow=any(opened),
            )
        if isinstance(event, CollectionStartEvent):
            opened.append(bool(event.flow_style))


def _end(events: Sequence[NodeEvent], number: int) -> tuple[int, int]:
    """Return the last line of a node, and the column in which it ends; lists in lines end with their last value."""
    depth, found = 0, (int(events[number].start_mark.line), 0)
    for event in events[number:]:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if not isinstance(event, CollectionEndEvent) or event.end_mark.index > event.start_mark.index:
            line, column = int(event.end_mark.line), int(event.end_mark.column)
            # a text in several lines ends at the beginning of the line after it
            at_start = column == 0 and line > int(event.start_mark.line)
            found = max(found, (line - 1, column) if at_start else (line, column))
        if depth == 0:
            return found
    return found
