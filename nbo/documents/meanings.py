"""Descriptions of dataclasses and their fields, read from docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import Any

_FIELD = re.compile(r"^(\w+): (.*)$")


def summary_of(shape: Any) -> str:
    """Return the docstring of a class without its sections.

    Example:
        >>> class Limit:
        ...     '''A contact limit.
        ...
        ...     Attributes:
        ...         days: Length of the window.
        ...     '''
        >>> summary_of(Limit)
        'A contact limit.'
    """
    text = inspect.getdoc(shape) or ""
    return _one_line(re.split(r"\n(?:Attributes|Example|Raises):\n", text)[0])


def meanings_of(shape: Any) -> dict[str, str]:
    """Return the description of each field from the section `Attributes` of a dataclass's docstring.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Limit:
        ...     '''A contact limit.
        ...
        ...     Attributes:
        ...         days: Length of the window.
        ...     '''
        ...     days: int
        >>> meanings_of(Limit)
        {'days': 'Length of the window.'}
    """
    names = {field.name for field in fields(shape)}
    _, _, section = (inspect.getdoc(shape) or "").partition("\nAttributes:\n")
    meanings: dict[str, str] = {}
    current = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        found = _FIELD.match(line.strip())
        if found and found[1] in names and line.startswith("    ") and not line.startswith("     "):
            current = found[1]
            meanings[current] = found[2]
        elif current and line.strip():
            meanings[current] += f" {line.strip()}"
    return meanings


def _one_line(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(part for part in paragraphs if part)
