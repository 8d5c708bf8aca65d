"""Parquet files of features: one for each part of the customers or moments, replaced as a whole or not at all.

Nothing here needs Feast, so that other machines that compute features can write the same files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.errors import DataError, StateError
from expressions.types import Schema
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from storage.atomic import remove_unfinished
from storage.parquet import replace_parquet

COMPUTED_AS_OF = "computed_as_of"
"""Copy of `as_of` that is joined like a feature: it gives the age of a joined row, or NULL if there is no row."""

_FINGERPRINT = b"nbo.fingerprint"
_COLUMNS = b"nbo.columns"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]*")


class FeatureParts:
    """The Parquet files of one bank's features.

    Columns have names, categories are strings, times are microseconds in UTC, so that people and other engines can read
    them.

    Args:
        folder: Folder of the files; only this class writes there.
        schema: The features that every part holds, in order.
    """

    def __init__(self, folder: Path, schema: Schema) -> None:
        self.folder = folder
        self.schema = dict(schema)
        self._columns = sha256(repr(list(self.schema.items())).encode()).hexdigest().encode()

    def write(self, part: str, table: FeatureTable, fingerprint: str = "", kept: pa.Table | None = None) -> None:
        """Write a part, replacing the one with that name.

        Args:
            part: Name of the file, without its suffix.
            table: Table with all features of the schema; other columns are left out.
            fingerprint: Fingerprint of the inputs of the part, which `fingerprints` returns.
            kept: Rows from `read`; they are merged with those of the table in order of time and customer.

        Raises:
            DataError: If the table has no rows or lacks a feature, or the name cannot be a file name.
        """
        if not _SAFE_NAME.fullmatch(part):
            raise DataError("a part cannot have this name", got=f"'{part}'", expected="letters, digits and any of _.=-")
        if len(table) == 0 and not kept:
            raise DataError(
                f"no features to write as part '{part}'", got="0 rows", remedy="leave out parts without customers"
            )
        replace_parquet(self._path(part), self._to_arrow(table, fingerprint, kept))

    def read(self, part: str, fingerprint: str) -> pa.Table | None:
        """Read the rows of a part as stored; None if there is no such part, or it has another fingerprint.

        Raises:
            StateError: If the file cannot be read.
        """
        if not self._path(part).exists():
            return None
        try:
            table = pq.ParquetFile(self._path(part)).read(use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(part, error) from error
        metadata = table.schema.metadata or {}
        if metadata.get(_FINGERPRINT) != fingerprint.encode() or metadata.get(_COLUMNS) != self._columns:
            return None
        return table.drop_columns([COMPUTED_AS_OF])

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each part that can still be used; parts with other features are left out.

        Raises:
            StateError: If a file cannot be read.
        """
        found = {part: self.fingerprint(part) for part in self._parts()}
        return {part: fingerprint for part, fingerprint in found.items() if fingerprint is not None}

    def fingerprint(self, part: str) -> str | None:
        """Return the fingerprint of a part; None if there is no such part, or it holds other features.

        Raises:
            StateError: If the file cannot be read.
        """
        if not self._path(part).exists():
            return None
        metadata = self._read_metadata(part)
        return metadata.get(_FINGERPRINT, b"").decode() if metadata.get(_COLUMNS) == self._columns else None

    def remove_stale(self, current: Mapping[str, str]) -> tuple[str, ...]:
        """Remove every part that is not in `current` with the same fingerprint, and files left behind by crashes.

        Args:
            current: Part -> fingerprint.

        Returns:
            Names of the removed parts.
        """
        remove_unfinished(self.folder)
        usable = self.fingerprints()
        stale = tuple(part for part in self._parts() if part not in usable or usable[part] != current.get(part))
        for part in stale:
            self._path(part).unlink()
        return stale

    def check(self) -> None:
        """Check that there are parts, and that all of them hold these features.

        Raises:
            DataError: If there are no parts.
            StateError: If a part holds other features, or cannot be read.
        """
        metadata = self._metadata()
        if not metadata:
            raise DataError("no features have been written", remedy="build the features first")
        for part, entries in metadata.items():
            if entries.get(_COLUMNS) != self._columns:
                raise StateError(
                    f"part '{part}' holds different features from the current catalogue",
                    remedy="build the features again, or remove stale parts",
                )

    def _to_arrow(self, table: FeatureTable, fingerprint: str, kept: pa.Table | None) -> pa.Table:
        named = plain_table(table.select(self.schema))
        if kept is not None:
            both = pa.concat_tables([kept.cast(named.schema), named])
            in_order = pc.sort_indices(both, sort_keys=[(AS_OF, "ascending"), (CUSTOMER_ID, "ascending")])
            usual = in_order.equals(pa.array(np.arange(len(both), dtype=np.uint64)))  # new rows usually come last
            named = both.combine_chunks() if usual else both.combine_chunks().take(in_order)
        named = named.append_column(COMPUTED_AS_OF, named.column(AS_OF))
        return named.replace_schema_metadata({_FINGERPRINT: fingerprint.encode(), _COLUMNS: self._columns})

    def _metadata(self) -> dict[str, dict[bytes, bytes]]:
        return {part: self._read_metadata(part) for part in self._parts()}

    def _read_metadata(self, part: str) -> dict[bytes, bytes]:
        try:
            return pq.read_schema(self._path(part)).metadata or {}
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(part, error) from error

    def _unreadable(self, part: str, error: Exception) -> StateError:
        return StateError(
            f"part '{part}' of the features cannot be read", got=str(error), remedy="delete it and build again"
        )

    def _parts(self) -> list[str]:
        return sorted(path.name.removesuffix(".parquet") for path in self.folder.glob("*.parquet"))

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.parquet"


def plain_table(table: FeatureTable) -> pa.Table:
    """Convert to Arrow with categories as strings, which every engine can read."""
    named = table.to_arrow()
    columns = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in named.columns]
    return pa.table(columns, names=named.column_names)
