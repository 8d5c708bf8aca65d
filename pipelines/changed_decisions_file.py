"""The file of decisions that a change makes others."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, StateError

MOVED = "moved_offers.parquet"


class ChangedDecisionsFile(AbstractContextManager["ChangedDecisionsFile"]):
    """Takes tables one after the other; the file appears whole when the block ends well, or not at all.

    Args:
        folder: New or empty; None to keep nothing.

    Raises:
        DataError: The folder has something in it.
        StateError: It cannot be written to.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: pq.ParquetWriter | None = None
        if folder is None:
            return
        try:
            if folder.exists() and any(folder.iterdir()):
                raise DataError("the folder has something in it", got=str(folder), expected="a new or empty folder")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(folder, error) from error

    def write(self, moved: pa.Table) -> None:
        """Add a table of the same columns as those before."""
        if self._folder is None:
            return
        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._unfinished(self._folder), moved.schema, compression="zstd")
            self._writer.write_table(moved)
        except OSError as error:
            raise self._failed(self._folder, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is None or self._writer is None:
            return
        try:
            self._writer.close()
            if kind is None:
                self._unfinished(self._folder).replace(self._folder / MOVED)
            else:
                self._unfinished(self._folder).unlink()
        except OSError as failure:
            raise self._failed(self._folder, failure) from failure

    @staticmethod
    def _unfinished(folder: Path) -> Path:
        return folder / f".{MOVED}.unfinished"

    @staticmethod
    def _failed(folder: Path, error: OSError) -> StateError:
        return StateError(
            f"the comparison could not be written to {folder}",
            got=error.strerror or str(error),
            remedy="free space or give write access, then simulate again",
        )
