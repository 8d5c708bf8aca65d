"""Customers' states on disk, from their computation until they are written to the online store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import StateError
from features.state import States
from features.table import CUSTOMER_ID
from storage.parquet import replace_parquet

_HEADER = b"nbo.states"
_SLOTS = "slots"


class StateFiles:
    """One Parquet file for each part of the customers, replaced as a whole or not at all.

    Args:
        folder: Folder of the files.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> states = States(np.array(["c1"], dtype=object), np.array([[7, -1]]), midnight=0, layout="a1b2")
        >>> with TemporaryDirectory() as folder:
        ...     files = StateFiles(Path(folder))
        ...     files.write("bucket-000", states, {"rows": 12})
        ...     files.note("bucket-000"), files.read("bucket-000").matrix.tolist()
        ({'rows': 12}, [[7, -1]])
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, part: str, states: States, note: dict[str, Any]) -> None:
        """Write a part, replacing the one with that name.

        Args:
            part: Name of the file, without its suffix.
            states: States of any number of customers.
            note: Stored with them, as JSON.
        """
        header = {"layout": states.layout, "midnight": states.midnight, "slots": states.matrix.shape[1], "note": note}
        # slot by slot, as they are computed: most slots of most customers are 0, and runs of zeros compress quickly
        numbers = np.ascontiguousarray(states.matrix.T, dtype="<i8").reshape(-1)
        ends = np.array([0, numbers.nbytes])
        slots = pa.Array.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(numbers)])
        customers = pa.array([states.customer_ids.tolist()], pa.list_(pa.string()))
        table = pa.table({CUSTOMER_ID: customers, _SLOTS: slots})
        described = table.replace_schema_metadata({_HEADER: json.dumps(header).encode()})
        replace_parquet(self._path(part), described, compression="lz4")

    def read(self, part: str) -> States:
        """Read a part.

        Raises:
            StateError: If the file is missing or damaged.
        """
        header = self._header(part)
        table = self._read(part, [CUSTOMER_ID, _SLOTS])
        customers = np.array(table.column(CUSTOMER_ID)[0].as_py(), dtype=object)
        numbers = np.frombuffer(table.column(_SLOTS)[0].as_buffer(), dtype="<i8").astype(np.int64, copy=False)
        matrix = numbers.reshape(header["slots"], len(customers)).T
        return States(customers, matrix, header["midnight"], header["layout"])

    def customers(self, part: str) -> list[str]:
        """Read the customers of a part, without their states.

        Raises:
            StateError: If the file is missing or damaged.
        """
        found: list[str] = self._read(part, [CUSTOMER_ID]).column(CUSTOMER_ID)[0].as_py()
        return found

    def note(self, part: str) -> dict[str, Any] | None:
        """Read the note of a part; None if there is no such part.

        Raises:
            StateError: If the file is damaged.
        """
        if not self._path(part).exists():
            return None
        note: dict[str, Any] = self._header(part)["note"]
        return note

    def forget(self, customer_id: str) -> int:
        """Rewrite the parts that contain a customer, without that customer.

        Returns:
            The number of these parts.

        Raises:
            StateError: If a file is damaged.
        """
        parts = [file.stem for file in sorted(self.folder.glob("*.parquet"))]
        containing = [part for part in parts if customer_id in self.customers(part)]
        for part in containing:
            states = self.read(part)
            rest = states.take(np.flatnonzero(states.customer_ids != customer_id))
            self.write(part, rest, self._header(part)["note"])
        return len(containing)

    def _read(self, part: str, columns: list[str]) -> pa.Table:
        try:
            return pq.ParquetFile(self._path(part)).read(columns, use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(part, error) from error

    def _header(self, part: str) -> dict[str, Any]:
        try:
            metadata = pq.read_schema(self._path(part)).metadata or {}
            header: dict[str, Any] = json.loads(metadata[_HEADER])
        except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
            raise self._damaged(part, error) from error
        return header

    def _damaged(self, part: str, error: Exception) -> StateError:
        return StateError(
            f"the states of part '{part}' cannot be read", got=str(error), remedy="delete the file and build again"
        )

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.parquet"
