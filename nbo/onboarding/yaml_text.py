"""Writes small values as YAML on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./]*( [A-Za-z0-9_./]+)*")
_SPECIAL: Final = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def flow(value: object) -> str:
    """Return a value as YAML in flow style.

    Example:
        >>> flow({"type": {"GUTSCHRIFT": "deposit", "no": "x"}, "below": 0, "any_of": ["1", "a:b"]})
        '{type: {GUTSCHRIFT: deposit, "no": x}, below: 0, any_of: ["1", "a:b"]}'
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            plain = _PLAIN.fullmatch(value) and value.lower() not in _SPECIAL
            return value if plain else json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(flow, value)) + "]"
    raise TypeError(type(value))
