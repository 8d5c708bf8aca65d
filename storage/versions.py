"""Versions of files that are replaced as a whole: what was read from one can be used until there is another."""

from __future__ import annotations

from pathlib import Path

FileVersion = tuple[int, int, int]
"""Time of the last change in nanoseconds, size in bytes, and number in the file system."""


def version_of(file: Path) -> FileVersion:
    """Return the version of a file.

    Raises:
        FileNotFoundError: There is none.
    """
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
