"""Detection of errors that come from a full disk or a lack of memory or open files, whichever library raises them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from domain.errors import StateError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded")
_LEAST_FREE_BYTES = 2**20
"""With less than this, the servers and databases do not even start, and do not say why."""


def full_disk(error: BaseException, home: Path) -> StateError | None:
    """Return the error to show if the disk is full; None if an error has another cause.

    Args:
        error: The error, with its causes.
        home: Folder of all state.

    Example:
        >>> str(full_disk(OSError(errno.ENOSPC, "No space left on device"), Path("/srv/nbo")))[:35]
        'the disk is full: got No space left'
        >>> full_disk(ValueError("something else"), Path.cwd())
    """
    # the last cause is the original error of the system
    found = next((cause for cause in reversed(causes_of(error)) if _says_so(cause)), None)
    if found is None and _free_bytes(home) >= _LEAST_FREE_BYTES:
        return None
    return StateError(
        "the disk is full",
        got=os.strerror(errno.ENOSPC) if found is None else getattr(found, "strerror", None) or str(found),
        expected=f"space in {home}",
        remedy="free some; finished work is kept, and the next run continues from there",
    )


def causes_of(error: BaseException | None) -> list[BaseException]:
    """List an error and its causes."""
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


_MEMORY = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "unable to allocate",
    "error return without exception set",  # an extension that found no memory, not even to say so
)
_FILES = ("too many open files", "unable to open database file: too many")


def scarce(error: BaseException) -> StateError | None:
    """Return the error to show if memory or open files ran out; None if an error has another cause.

    Example:
        >>> str(scarce(MemoryError()))[:24]
        'there is too little memo'
        >>> scarce(ValueError("something else"))
    """
    for cause in causes_of(error):
        words, number = str(cause).lower(), getattr(cause, "errno", None)
        if isinstance(cause, MemoryError) or number == errno.ENOMEM or any(text in words for text in _MEMORY):
            return StateError(
                "there is too little memory",
                got=str(cause) or type(cause).__name__,
                remedy="check `ulimit -v` and what else is running; finished work is kept",
            )
        if number in (errno.EMFILE, errno.ENFILE) or any(text in words for text in _FILES):
            return StateError(
                "too few files may be open at once",
                got=str(cause),
                expected="some hundreds",
                remedy="raise `ulimit -n`; finished work is kept",
            )
    return None
