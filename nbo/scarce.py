"""Tells that the system gives a process no more memory or files, in whatever library's words."""

from __future__ import annotations

import errno

from domain.errors import StateError
from nbo.full_disk import causes_of

_MEMORY = ("failed to map segment", "cannot allocate memory", "can't start new thread", "unable to allocate")
_FILES = ("too many open files", "unable to open database file: too many")


def scarce(error: BaseException) -> StateError | None:
    """Say what there is too little of, where that is what an error comes from; None where it is not.

    Example:
        >>> str(scarce(MemoryError()))[:24]
        'there is too little memo'
        >>> scarce(ValueError("something else"))
    """
    for cause in causes_of(error):
        words, number = str(cause).lower(), getattr(cause, "errno", None)
        if isinstance(cause, MemoryError) or number == errno.ENOMEM or any(some in words for some in _MEMORY):
            return StateError(
                "there is too little memory",
                got=str(cause) or type(cause).__name__,
                remedy="see `ulimit -v` and what else runs; what was finished is kept",
            )
        if number in (errno.EMFILE, errno.ENFILE) or any(some in words for some in _FILES):
            return StateError(
                "too few files may be open at once",
                got=str(cause),
                expected="some hundreds",
                remedy="raise `ulimit -n`; what was finished is kept",
            )
    return None
