"""The file of the decisions that a policy change alters."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, StateError
from storage.atomic import replacing

MOVED = "moved_offers.parquet"


class ChangedDecisionsFile(AbstractContextManager["ChangedDecisionsFile"]):
    """Writer of tables to one file, which appears as a whole when the block succeeds, or not at all.

    Args:
        folder: New or empty folder; None to write nothing.

    Raises:
        DataError: The folder is not empty.
        StateError: The folder cannot be written to.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: pq.ParquetWriter | None = None
        self._open = ExitStack()
        if folder is None:
            return
        try:
            if folder.exists() and any(folder.iterdir()):
                raise DataError("the folder is not empty", got=str(folder), expected="a new or empty folder")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(folder, error) from error

    def write(self, moved: pa.Table) -> None:
        """Append a table with the same columns as earlier ones."""
        if self._folder is None:
            return
        try:
            if self._writer is None:
                beside = self._open.enter_context(replacing(self._folder / MOVED))
                self._writer = self._open.enter_context(pq.ParquetWriter(beside, moved.schema, compression="zstd"))
            self._writer.write_table(moved)
        except OSError as error:
            raise self._failed(self._folder, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, error, trace)
        except OSError as failure:
            if self._folder is None or failure is error:
                raise
            raise self._failed(self._folder, failure) from failure

    @staticmethod
    def _failed(folder: Path, error: OSError) -> StateError:
        return StateError(
            f"the comparison could not be written to {folder}",
            got=error.strerror or str(error),
            remedy="free space or give write access, then simulate again",
        )
