"""One writer at a time, and who else is there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the file's lock; wait for whoever holds it. The system frees it when its holder dies."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def present(file: Path) -> Iterator[None]:
    """Hold the file's lock beside others who do the same."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def anybody_present(file: Path) -> bool:
    """Tell whether somebody holds the file's lock; whoever died does not."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def remove_abandoned(file: Path) -> bool:
    """Remove a file whose lock nobody holds: whoever was about to hold it finds it gone, and makes it anew.

    Returns:
        Whether it was removed.
    """
    with file.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        file.unlink()
        return True
