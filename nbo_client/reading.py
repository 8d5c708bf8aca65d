"""Conversion between JSON and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from nbo_client.problems import AnswerError, UsageError

Message = TypeVar("Message")


def read(kind: type[Message], content: Any) -> Message:
    """Read a message from JSON.

    Unknown fields are ignored, so that the client works with a newer service; a field that may be None, or that
    an older service does not have yet, may be missing.

    Raises:
        AnswerError: A field is missing or has another type.

    Example:
        >>> from nbo_client.messages import Ready
        >>> read(Ready, {"status": "ready", "bank": "demo", "versions": {}, "more": 1})
        Ready(status='ready', bank='demo', versions={}, paused=())
    """
    return cast("Message", _value(kind, content, kind.__name__))


def written(message: Any) -> dict[str, Any]:
    """Convert a message to JSON values, leaving out fields that are None.

    Raises:
        UsageError: A moment has no offset.

    Example:
        >>> from nbo_client.messages import Question
        >>> written(Question(customer_id="c1", channel="app"))
        {'customer_id': 'c1', 'channel': 'app', 'placements': [], 'context': {}}
    """
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    return {name: _plain(name, value) for name, value in values.items() if value is not None}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"{name} has no offset: got {value.isoformat()}, expected an aware moment")
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _has_default(kind: Any, name: str) -> bool:
    return kind.__dataclass_fields__[name].default is not MISSING


def _value(kind: Any, content: Any, at: str) -> Any:
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        inner = next(part for part in get_args(kind) if part is not NoneType)
        return None if content is None else _value(inner, content, at)
    if origin is tuple:
        _check(isinstance(content, list), content, at, "a list")
        inner = get_args(kind)[0]
        return tuple(_value(inner, item, f"{at}[{place}]") for place, item in enumerate(content))
    if origin is Mapping:
        _check(isinstance(content, dict), content, at, "an object")
        inner = get_args(kind)[1]
        return {name: _value(inner, item, f"{at}.{name}") for name, item in content.items()}
    if is_dataclass(kind):
        _check(isinstance(content, dict), content, at, "an object")
        make: Any = kind
        given = {name: hint for name, hint in _hints(make).items() if name in content or not _has_default(make, name)}
        return make(**{name: _value(hint, content.get(name), f"{at}.{name}") for name, hint in given.items()})
    return _moment(content, at) if kind is datetime else _scalar(kind, content, at)


def _scalar(kind: Any, content: Any, at: str) -> Any:
    if kind is Any:
        return content
    number = kind is float and isinstance(content, int) and not isinstance(content, bool)
    _check(number or type(content) is kind, content, at, kind.__name__)
    return kind(content)


def _moment(content: Any, at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(content)
    except (TypeError, ValueError):
        moment = None
    _check(moment is not None, content, at, "a moment")
    assert moment is not None
    return moment


def _check(fits: bool, content: Any, at: str, expected: str) -> None:
    if not fits:
        got = "nothing" if content is None else type(content).__name__
        raise AnswerError(f"the answer's {at} cannot be read: got {got}, expected {expected}")
