"""File locks: one writer at a time, and a way to see whether anybody else is present."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for other holders. The system releases it when its holder dies."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def present(file: Path) -> Iterator[None]:
    """Hold a shared lock on a file."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def anybody_present(file: Path) -> bool:
    """Return whether anybody holds a lock on the file; a process that died does not."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def remove_abandoned(file: Path) -> bool:
    """Remove a file that nobody has locked; a process about to lock it finds it missing and creates it again.

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
