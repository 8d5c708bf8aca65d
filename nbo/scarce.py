"""Detection of errors that come from a full disk, a folder that may not be written, or a lack of memory or open files.

Whichever library raises them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from domain.errors import StateError
from storage.space import LEAST_FREE_BYTES, free_bytes

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)
_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded")


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
    if found is None and free_bytes(home) >= LEAST_FREE_BYTES:
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


def unwritable(error: BaseException, home: Path) -> StateError | None:
    """Return the error to show if a file of the state may not be written or read; None if an error has another cause.

    Args:
        error: The error, with its causes.
        home: Folder of all state.

    Example:
        >>> str(unwritable(OSError(errno.EROFS, "Read-only file system", "/srv/nbo/log/lock"), Path("/srv/nbo")))[:41]
        'a file of the state cannot be used: got R'
        >>> unwritable(OSError(errno.EROFS, "Read-only file system", "/etc/hosts"), Path("/srv/nbo"))
    """
    for cause in causes_of(error):
        if isinstance(cause, OSError) and cause.errno in _NO_ACCESS and isinstance(cause.filename, str | Path):
            file = Path(cause.filename).absolute()
            if file.is_relative_to(home.absolute()):
                return StateError(
                    "a file of the state cannot be used",
                    got=f"{cause.strerror}: {file}",
                    expected=f"a user who may read and write all of {home}",
                    remedy="give access, or run as the user to whom it belongs",
                )
    return None


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
