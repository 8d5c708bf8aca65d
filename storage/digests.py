"""Digests of inputs: of values, and of the source code of packages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path


def digest_of(*parts: object) -> str:
    """Return a digest of the texts of some values, 16 hexadecimal digits.

    Example:
        >>> digest_of("a", 1) == digest_of("a", 1) != digest_of("a1")
        True
    """
    digest = hashlib.sha256()
    for part in parts:
        text = repr(sorted(part.items())) if isinstance(part, Mapping) else str(part)
        digest.update(f"{len(text)}:{text};".encode())
    return digest.hexdigest()[:16]


@cache
def code_digest(*rooms: str) -> str:
    """Return a digest of the source code of some packages, so that a change of code repeats their steps.

    Example:
        >>> len(code_digest("domain", "expressions"))
        16
    """
    digest = hashlib.sha256()
    for room in rooms:
        location = import_module(room).__file__
        assert location is not None
        folder = Path(location).parent
        for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.yaml"))):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
