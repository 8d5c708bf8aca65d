"""Maps rows of a source to events of the contract: none, one, or several per row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.conditions import Condition, rows_where
from events.fields import Fields
from events.mapping import Source
from events.part_mapper import MappedRows, PartMapper
from events.vocabulary import Vocabulary


class RowMapper:
    """Maps tables of one file of a source.

    Args:
        source: Source of the file.
        vocabulary: Vocabulary of the bank.
        now: Current time; later events are in the future.
        file: Name of the file in errors.
    """

    def __init__(self, source: Source, vocabulary: Vocabulary, now: datetime, file: str) -> None:
        self._source = source
        self._file = file
        self._parts = [
            (event.when, PartMapper(part, vocabulary, now, file))
            for event, part in zip(source.events, source.parts, strict=bool(source.events))
        ] or [((), PartMapper(source, vocabulary, now, file))]

    def map(self, table: pa.Table) -> MappedRows:
        """Map the rows of a table with the columns of the file.

        Raises:
            SourceError: A column has a type from which its field cannot be read.
        """
        wanted = self._where(self._source.when, table)
        times = np.zeros(table.num_rows, dtype=np.int64)
        mapped = []
        for conditions, part in self._parts:
            rows = np.flatnonzero(wanted & self._where(conditions, table))
            times[rows] += 1
            mapped.append(part.map(table, rows))
        return _together(mapped, skipped=int((times == 0).sum()), further=int(np.maximum(times - 1, 0).sum()))

    def _where(self, conditions: Sequence[Condition], table: pa.Table) -> NDArray[np.bool_]:
        texts = Fields(table, self._source, self._file).column_texts
        return rows_where(conditions, texts, self._source.marks, table.num_rows)


def _together(mapped: Sequence[MappedRows], *, skipped: int, further: int) -> MappedRows:
    """Join what became of rows, event by event; ids of the second and further events get a suffix."""
    tables = [one.events if place == 1 else _numbered(one.events, place) for place, one in enumerate(mapped, start=1)]
    warnings: Counter[str] = Counter()
    for one in mapped:
        warnings.update(one.warnings)
    return MappedRows(
        events=tables[0]
        if len(tables) == 1
        else pa.concat_tables(tables, promote_options="default").unify_dictionaries(),
        positions=np.concatenate([one.positions for one in mapped]),
        skipped=skipped + sum(one.skipped for one in mapped),
        rejected=[why for one in mapped for why in one.rejected],
        parts=[part for one in mapped for part in one.parts],
        warnings=warnings,
        further=further,
    )


def _numbered(events: pa.Table, place: int) -> pa.Table:
    if "event_id" not in events.column_names:
        return events
    ids = pc.binary_join_element_wise(events["event_id"], f"-{place}", "")
    return events.set_column(events.column_names.index("event_id"), "event_id", ids)
