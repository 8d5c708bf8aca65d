"""Describes in words what a specification expects at each place."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def shape_at(shape: Any, path: Iterable[str | int]) -> Any:
    """Return the type that a specification has at a path; None if it has none.

    Example:
        >>> from domain.offer import Offer
        >>> shape_at(tuple[Offer, ...], (0, "treatments", 2, "cost"))
        <class 'float'>
    """
    for step in path:
        shape = next((inner for part in alternatives(shape) if (inner := _inside(part, step)) is not None), None)
    return shape


def alternatives(shape: Any) -> tuple[Any, ...]:
    """Return the types allowed at a place, without None."""
    if get_origin(shape) in (Union, types.UnionType):
        return tuple(part for part in get_args(shape) if part is not type(None))
    return (shape,)


def keys_of(shape: Any) -> tuple[str, ...]:
    """Return the keys that a mapping may have; empty if any are allowed."""
    return tuple(part.name for kind in alternatives(shape) if is_dataclass(kind) for part in fields(kind))


def names_of(shape: Any) -> tuple[str, ...]:
    """Return the values that a text may have; empty if any are allowed."""
    names: list[str] = []
    for part in alternatives(shape):
        if get_origin(part) is Literal:
            names += map(str, get_args(part))
        elif isinstance(part, type) and issubclass(part, Enum):
            names += [str(member.value) for member in part]
    return tuple(names)


def wanted(shape: Any) -> str:
    """Describe what is expected.

    Example:
        >>> wanted(str | tuple[str, ...] | None)
        'a text or a list'
    """
    return " or ".join(_words(part) for part in alternatives(shape))


_PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _words(shape: Any) -> str:
    origin = get_origin(shape)
    if origin is tuple:
        return "a list"
    if origin is dict:
        return "a mapping"
    if is_dataclass(shape):
        required = [part.name for part in fields(shape) if part.default is MISSING and part.default_factory is MISSING]
        return f"a mapping with {', '.join(required)}" if required else "a mapping"
    if names := names_of(shape):
        return f"one of {', '.join(names)}"
    if shape is date:
        return "a date such as 2025-01-31"
    return _PLAIN.get(shape, "something else")


def _inside(shape: Any, step: str | int) -> Any:
    origin = get_origin(shape)
    if origin is tuple and isinstance(step, int):
        return get_args(shape)[0]
    if origin is dict and isinstance(step, str):
        return get_args(shape)[1]
    if is_dataclass(shape) and isinstance(step, str):
        return get_type_hints(shape).get(step)
    return None
