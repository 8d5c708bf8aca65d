"""What a dataclass says of its fields, read from its docstring."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import Any

_FIELD = re.compile(r"^(\w+): (.*)$")


def summary_of(shape: Any) -> str:
    """Give what a class says of itself, without its sections.

    Example:
        >>> from config.schedule import Schedule
        >>> summary_of(Schedule)
        "Cron lines, in the bank's time zone; None for a flow that runs only when asked."
    """
    text = inspect.getdoc(shape) or ""
    return _one_line(re.split(r"\n(?:Attributes|Example|Raises):\n", text)[0])


def meanings_of(shape: Any) -> dict[str, str]:
    """Give the meaning of each field that the section `Attributes` of a docstring tells.

    Example:
        >>> from config.schedule import Schedule
        >>> meanings_of(Schedule)["decide"]
        'Decide for everybody, and report.'
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
