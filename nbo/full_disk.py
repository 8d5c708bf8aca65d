"""Tells a full disk, in whatever library's words."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from domain.errors import StateError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded")
_LEAST_FREE_BYTES = 2**20
"""With less the servers and databases below do not even start, and say only that they did not."""


def full_disk(error: BaseException, home: Path) -> StateError | None:
    """Say that the disk is full, where that is what an error comes from; None where it is not.

    Args:
        error: Whatever went wrong, with its causes.
        home: Folder of all state.

    Example:
        >>> str(full_disk(OSError(errno.ENOSPC, "No space left on device"), Path("/srv/nbo")))[:35]
        'the disk is full: got No space left'
        >>> full_disk(ValueError("something else"), Path.cwd())
    """
    # the last one is the one that it began with, in the system's own words
    found = next((cause for cause in reversed(causes_of(error)) if _says_so(cause)), None)
    if found is None and _free_bytes(home) >= _LEAST_FREE_BYTES:
        return None
    return StateError(
        "the disk is full",
        got=os.strerror(errno.ENOSPC) if found is None else getattr(found, "strerror", None) or str(found),
        expected=f"space in {home}",
        remedy="free some; what was finished is kept, and the next run goes on from there",
    )


def causes_of(error: BaseException | None) -> list[BaseException]:
    """List an error and what it came from."""
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def _says_so(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in _NO_SPACE) or any(w in str(error).lower() for w in _WORDS)


def _free_bytes(home: Path) -> int:
    there = next((folder for folder in (home, *home.parents) if folder.exists()), home)
    return shutil.disk_usage(there).free
