"""The error for damaged files of the log."""

from __future__ import annotations

from pathlib import Path

from domain.errors import StateError


class DamagedError(StateError):
    """A file of an event log differs from what was written.

    Args:
        file: Path of the file.
        got: What is wrong with it.
    """

    def __init__(self, file: Path, got: str) -> None:
        super().__init__(
            f"the event log in {file.parent} is damaged",
            got=f"{file.name}: {got}",
            remedy="restore it from a backup, or move the folder away and import all files again",
        )
