"""Detection of errors that come from a lack of memory or open files, whichever library raises them."""

from __future__ import annotations

import errno

from domain.errors import StateError
from nbo.full_disk import causes_of

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
