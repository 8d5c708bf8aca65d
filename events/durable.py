"""Durable writing of files, which are either complete or missing."""

from __future__ import annotations

import os
from pathlib import Path


def replace_text(file: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file beside its place, make it durable, and move it there in one step.

    Args:
        file: Path of the file.
        text: Content of the file.
        mode: Permissions of the file; None for the default of the process.
    """
    beside = file.with_name(file.name + ".new")
    with beside.open("w", encoding="utf-8") as handle:
        handle.write(text)
        if mode is not None:
            os.fchmod(handle.fileno(), mode)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)
    sync(file.parent)


def sync(place: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
