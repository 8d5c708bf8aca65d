"""The reference docs/configuration.md, generated from the classes that a bank's YAML files are read into."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from config.console import ConsoleSettings
from config.files import COMMON_FEATURES, FILE_KINDS, FileKind
from config.service import ServiceSettings
from config.shapes import alternatives, names_of
from domain.docstrings import meanings_in, summary_in
from domain.errors import StateError

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", date: "date"}


def configuration_reference() -> str:
    """Write the reference as Markdown: every file, every field with its type, default and meaning.

    Raises:
        StateError: A class does not describe one of its fields.
    """
    lines = [
        "# Configuration of a bank",
        "",
        "Written by `make docs` from the classes that the files are read into; change their docstrings, not this page.",
        "A key that is not listed here is an error, and so is a value of another type. `nbo --bank DIR check` reports",
        "every mistake at once. SQL conditions and formulas are three-valued: NULL is not true.",
    ]
    described: list[Any] = []
    for name, kind in FILE_KINDS.items():
        if name != COMMON_FEATURES.name:
            lines += _file(name, kind, described)
    return "\n".join([*lines, *_environment()]) + "\n"


def specifications(shape: Any) -> Iterator[Any]:
    """List the specification classes of a file's shape, from the outside in; some occur more than once.

    Example:
        >>> from domain.offer import Offer
        >>> [kind.__name__ for kind in specifications(tuple[Offer, ...])]
        ['Offer', 'Treatment', 'CountsAs']
    """
    for part in alternatives(shape):
        if is_dataclass(part):
            yield part
            for hint in get_type_hints(part).values():
                yield from specifications(hint)
        else:
            for inner in get_args(part):
                yield from specifications(inner)


def _environment() -> list[str]:
    """Describe the settings of the service and its console, which come from the environment instead of a file."""
    lines = []
    for title, shape in (("service", ServiceSettings), ("console", ConsoleSettings)):
        meanings = _meanings(shape)
        rows = [f"| {meanings[field.name]} | {_default(field)} |" for field in fields(shape)]
        lines += ["", f"## The environment of the {title}", "", _summary(shape)]
        lines += ["", "| setting | default |", "|---|---|", *rows]
    return lines


def _file(name: str, kind: FileKind, described: list[Any]) -> list[str]:
    """Describe a file and those of its classes that are not in `described`, to which they are added."""
    is_list = get_origin(kind.shape) is tuple
    needed = "" if kind.required else " This file is optional."
    lines = ["", f"## {name}", ""]
    for position, shape in enumerate(dict.fromkeys(specifications(kind.shape))):
        if shape in described:
            continue
        described.append(shape)
        if position:
            lines += ["", f"### {shape.__name__}", "", _summary(shape)]
        else:
            lines.append(("A list; each entry: " if is_list else "") + _summary(shape) + needed)
        lines += ["", "| field | type | default | meaning |", "|---|---|---|---|", *_rows(shape)]
    return lines


def _rows(shape: Any) -> Iterator[str]:
    hints, meanings = get_type_hints(shape), _meanings(shape)
    for field in fields(shape):
        if field.name not in meanings:
            raise StateError(
                f"{shape.__module__}.{shape.__name__} does not describe its field '{field.name}'",
                remedy="describe it under `Attributes:` in the docstring",
            )
        cells = (f"`{field.name}`", _type(hints[field.name]), _default(field), meanings[field.name])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(hint: Any) -> str:
    return " or ".join(_words(part) for part in alternatives(hint))


def _words(part: Any) -> str:
    if is_dataclass(part) and isinstance(part, type):
        return f"[{part.__name__}](#{part.__name__.lower()})"
    if get_origin(part) is tuple:
        return f"list of {_type(get_args(part)[0])}"
    if get_origin(part) is dict:
        return f"mapping to {_type(get_args(part)[1])}"
    if names := names_of(part):
        return ", ".join(f"`{name}`" for name in names)
    return _PLAIN[part]


def _default(field: Field[Any]) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    if not field.repr and field.default_factory is not MISSING:
        return "a new one"
    value = field.default if field.default_factory is MISSING else field.default_factory()
    if is_dataclass(value):
        return "its defaults"
    if value is None or value in ((), {}, ""):
        return "none"
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _summary(shape: Any) -> str:
    return summary_in(inspect.getdoc(shape) or "")


def _meanings(shape: Any) -> dict[str, str]:
    names = {field.name for field in fields(shape)}
    return {name: said for name, said in meanings_in(inspect.getdoc(shape) or "").items() if name in names}
