"""The atomic writer of files: a file is complete or absent, after a crash, a power cut, and with concurrent writers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from storage.lock import present, remove_abandoned

UNFINISHED = ".unfinished"


def replace_text(file: Path, text: str, *, mode: int | None = None) -> None:
    """Write a text file (UTF-8) as a whole, and remove what killed writers of the same file left behind.

    Args:
        file: Path of the file; its folder is created if missing.
        text: Content of the file.
        mode: Permissions of the file; None for the default of the process.
    """
    _remove_unfinished(file.parent.glob(f".{file.name}.*{UNFINISHED}"))
    with replacing(file) as beside:
        if mode is not None:
            beside.chmod(mode)
        beside.write_text(text, encoding="utf-8")


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file; if the block succeeds, make it durable and move it into place in one step.

    Concurrent writers of the same file, as when a cluster wrongly takes a machine for dead, each have their own
    temporary file; the later one wins.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "new" / "a.txt") as beside:
        ...         _ = beside.write_text("whole")
        ...     [file.name for file in (Path(folder) / "new").iterdir()]
        ['a.txt']
    """
    with writing(file.parent, file.name, lambda: file.name) as beside:
        yield beside


@contextmanager
def writing(folder: Path, working_name: str, final_name: Callable[[], str | None]) -> Iterator[Path]:
    """Yield a temporary path in a folder; if the block succeeds, make it durable and move it to its final name.

    Args:
        folder: Folder of the file; created if missing.
        working_name: Name from which the temporary one is made.
        final_name: Returns the name once the content is complete; None to keep no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # readers of the whole folder ignore names that begin with a dot
    beside = folder / f".{working_name}.{uuid4().hex}{UNFINISHED}"
    with present(beside):
        try:
            yield beside
            name = final_name()
            if name is not None:
                sync(beside)
                move(beside, folder / name)
        finally:
            beside.unlink(missing_ok=True)


def move(file: Path, target: Path) -> None:
    """Move a durable file to another name in its folder, in one step that survives a power cut."""
    file.replace(target)
    sync(target.parent)


def sync(place: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove files that killed writers left behind, also in subfolders; active writers are not affected.

    An incomplete file may contain customer ids, and nothing else would ever find it.
    """
    _remove_unfinished(folder.rglob(f"*{UNFINISHED}"))


def _remove_unfinished(files: Iterator[Path]) -> None:
    for beside in files:
        with suppress(FileNotFoundError):  # finished, or removed by another, meanwhile
            remove_abandoned(beside)
