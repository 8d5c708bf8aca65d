"""What docstrings say: the summary of a class, and the meaning of each attribute."""

from __future__ import annotations

import re
from inspect import cleandoc

_FIELD = re.compile(r"^(\w+): (.*)$")


def summary_in(docstring: str) -> str:
    """Return a docstring without its sections, each paragraph on one line.

    Example:
        >>> summary_in('''A contact limit.
        ...
        ...     Attributes:
        ...         days: Length of the window.
        ...     ''')
        'A contact limit.'
    """
    text = re.split(r"\n(?:Attributes|Example|Raises):\n", cleandoc(docstring))[0]
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(part for part in paragraphs if part)


def meanings_in(docstring: str) -> dict[str, str]:
    """Return what the section `Attributes` of a docstring says of each attribute, on one line.

    Example:
        >>> meanings_in('''A contact limit.
        ...
        ...     Attributes:
        ...         days: Length of the window,
        ...             in whole days.
        ...     ''')
        {'days': 'Length of the window, in whole days.'}
    """
    _, _, section = cleandoc(docstring).partition("\nAttributes:\n")
    meanings: dict[str, str] = {}
    current = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        found = _FIELD.match(line.strip())
        if found and line.startswith("    ") and not line.startswith("     "):
            current = found[1]
            meanings[current] = found[2]
        elif current and line.strip():
            meanings[current] += f" {line.strip()}"
    return meanings
