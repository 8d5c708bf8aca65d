"""JSON as the service reads it: without NaN, no deeper than its own bodies need, and each key once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson

from domain.errors import DataError

DEEPEST: Final = 16
"""Maximum nesting of lists and objects; the API's own bodies have five levels."""


def read_json(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: It is not JSON.
        DataError: It is nested too deeply, or an object repeats a key.

    Example:
        >>> read_json(b'{"customer_id": "C1"}')
        {'customer_id': 'C1'}
        >>> read_json(b'{"customer_id": "C1", "customer_id": "C2"}')
        Traceback (most recent call last):
        ...
        domain.errors.DataError: an object repeats a key: got customer_id, expected each key once
    """
    content = orjson.loads(text)
    if depth_of(content, DEEPEST) > DEEPEST:
        raise DataError("the JSON is nested too deeply", expected=f"at most {DEEPEST} levels")
    json.loads(text, object_pairs_hook=_unique_keys)
    return content


def depth_of(content: Any, at_most: int) -> int:
    """Return the nesting depth of lists and objects; counting stops at `at_most` + 1.

    Example:
        >>> depth_of({"a": [1, {"b": 2}]}, 10), depth_of([[[]]], 1), depth_of(5, 3)
        (3, 2, 0)
    """
    level, nested = 0, _containers([content])
    while nested and level <= at_most:
        level += 1
        inner = (member for one in nested for member in (one.values() if isinstance(one, dict) else one))
        nested = _containers(inner)
    return level


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError("an object repeats a key", got=twice[:100], expected="each key once")
    return parsed


def _containers(members: Iterable[Any]) -> list[Any]:
    return [member for member in members if isinstance(member, dict | list)]
