"""Files of the log that something else has written to."""

from __future__ import annotations

from pathlib import Path

from domain.errors import StateError


class DamagedError(StateError):
    """A file of an event log that is not as it was written.

    Args:
        file: Which.
        got: What is wrong with it.
    """

    def __init__(self, file: Path, got: str) -> None:
        super().__init__(
            f"the event log in {file.parent} is damaged",
            got=f"{file.name}: {got}",
            remedy="restore it from a backup, or move the folder away and import all files again",
        )
