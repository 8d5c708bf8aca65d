"""Validates the content of a file against its specification, with problems in plain words."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.content import Content, Path
from config.shapes import keys_of, names_of, shape_at, wanted
from domain.errors import Problem, nearest

T = TypeVar("T")


def validate(content: Content, shape: type[T], file: str) -> tuple[T | None, list[Problem]]:
    """Check content against a specification.

    Args:
        content: Content as read by `config.document`.
        shape: A specification, or a tuple of them.
        file: File name for the problems.

    Returns:
        The specification, and the problems. If there are problems, the specification is built without the keys they
        concern, so that the rest can be checked too; None if that is not possible.

    Example:
        >>> from config.operations import Schedule
        >>> schedule, problems = validate({"tran": "0 4 * * 0"}, Schedule, "schedule.yaml")
        >>> problems[0].sentence()
        "unknown key: got 'tran', expected 'train' (did you mean it?) or one of archive, decide, deliver, \
features, watch"
    """
    try:
        # strict JSON: lists become tuples and texts become dates, but texts are not converted to numbers
        return TypeAdapter(shape).validate_json(json.dumps(content), strict=True), []
    except ValidationError as error:
        problems = _problems(error.errors(include_url=False), content, shape, file)
    try:
        rest = _without([problem.path for problem in problems], content)
        return TypeAdapter(shape).validate_json(json.dumps(rest), strict=True), problems
    except ValidationError:
        return None, problems


def _problems(details: list[ErrorDetails], content: Content, shape: Any, file: str) -> list[Problem]:
    found: dict[tuple[Path, str], Problem] = {}
    for detail in details:
        path = _path(detail["loc"], content)
        problem = _problem(detail, path, content, shape, file)
        found.setdefault((problem.path, problem.what), problem)
    wrong = [problem for problem in found.values() if problem.what.startswith(_WRONG)]
    # where several types are allowed, the deepest problem is the one about the type actually used
    vague = {
        problem.path
        for problem in wrong
        if any(
            len(other.path) > len(problem.path) and other.path[: len(problem.path)] == problem.path for other in wrong
        )
    }
    return [problem for problem in found.values() if problem not in wrong or problem.path not in vague]


_WRONG = "wrong value"


def _problem(detail: ErrorDetails, path: Path, content: Content, shape: Any, file: str) -> Problem:
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if detail["type"] == "missing":
        expected = wanted(shape_at(shape, (*path, name)))
        return Problem(file=file, path=path, what=f"'{name}' is missing", expected=expected)
    if detail["type"] == "unexpected_keyword_argument":
        valid = nearest(name, keys_of(shape_at(shape, path[:-1])))
        return Problem(file=file, path=path, what="unknown key", got=f"'{name}'", expected=valid)
    value, here = _value_at(content, path), shape_at(shape, path)
    names = names_of(here)
    named = next((part for part in reversed(path) if isinstance(part, str)), None)
    remedy = "write it in quotes" if "a text" in wanted(here) and isinstance(value, int | float) else None
    return Problem(
        file=file,
        path=path,
        what=f"{_WRONG} of '{named}'" if named is not None else _WRONG,
        got=described(value),
        expected=nearest(value, names) if names and isinstance(value, str) else wanted(here),
        remedy=remedy,
    )


def described(value: Content) -> str:
    """Describe a value of a file.

    Example:
        >>> described("growht"), described(["a"]), described(None), described(True)
        ("'growht'", 'a list', 'nothing', 'true')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
        case _:
            return str(value)


def _without(paths: list[Path], content: Content) -> Content:
    """Copy content without the keys at the paths; for an item of a list, without the list's key."""
    rest = deepcopy(content)
    for path in paths:
        keys = [position for position, step in enumerate(path) if isinstance(step, str)]
        if keys and (holder := _value_at(rest, path[: keys[-1]], None)) is not None:
            cast("dict[str, Any]", holder).pop(cast("str", path[keys[-1]]), None)
    return rest


def _path(place: tuple[int | str, ...], content: Content) -> Path:
    """Reduce the validator's location to the path in the file: without branches of unions and missing keys."""
    path: list[str | int] = []
    for step in place:
        inside = isinstance(content, dict) and step in content
        among = isinstance(content, list) and isinstance(step, int) and step < len(content)
        if inside or among:
            path.append(step)
            content = cast("Any", content)[step]
    return tuple(path)


def _value_at(content: Content, path: Path, otherwise: Content = None) -> Content:
    for step in path:
        try:
            content = cast("Any", content)[step]
        except (KeyError, IndexError):
            return otherwise
    return content
