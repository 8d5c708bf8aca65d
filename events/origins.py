"""Records which events came from which rows, so that a corrected mapping can replace them.

A row is identified by the content of the columns that its mapping reads, and by how often that content came before it
in the file; so it is recognised in a file that has grown, was renamed or holds other rows besides. For every mapping
of a source (a generation) the log keeps pairs: the fingerprint of a row, and that of the id of the event that came from
it. When another mapping reads a row, its earlier events are superseded. They leave the log in the commit that brings
the new ones, unless they come from other rows, too. Rows that are no longer in any file, and their events, stay as they
were read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.content_ids import Occurrences
from events.fingerprints import Lanes, text_fingerprints
from events.identities import read_run
from events.manifest import Generation, Run
from events.schema import one_chunk
from events.tiers import parts_to_merge

Pairs = NDArray[np.uint64]
"""Shape (3, n): two lanes of a row's fingerprint, ascending by the first; the fingerprint of an event's id."""

Ids = NDArray[np.uint64]
Columns = Callable[[Sequence[str]], list[pa.Array] | None]
"""Returns columns of a chunk as they were read; None if the file lacks one."""

_PAIRS_IN_MEMORY = 1_000_000
_PAIRS_IN_A_RUN = 4_000_000
"""Larger runs are not merged any more: merging takes several times 24 bytes per pair."""
_BETWEEN, _ESCAPE = "\x1f", "\x1e"


class Origins:
    """The present generation of one source, in one commit.

    Args:
        folder: Folder of the log.
        mapping: Digest of the present mapping.
        columns: Columns that the mapping reads.
        present: What the log has of this mapping.
        earlier: What the log has of the source's earlier mappings, and of sources that no longer exist and whose rows
            may now be this one's.
    """

    def __init__(
        self,
        folder: Path,
        mapping: str,
        columns: tuple[str, ...],
        present: Generation | None,
        earlier: Sequence[Earlier],
    ) -> None:
        self.mapping = mapping
        self.columns = columns
        self.earlier = earlier
        self._folder = folder
        self._runs = list(present.runs) if present is not None else []
        self._pairs = [read_run(folder / run.file) for run in self._runs]
        self._waiting: list[Pairs] = []
        self._grown = False

    def file(self) -> FileOrigins:
        """Start a file of the source."""
        return FileOrigins(self)

    def note(self, rows: Lanes, ids: Ids) -> None:
        """Note which events came from rows, shape (n, 2) and (n,)."""
        new = np.ones(len(ids), dtype=bool)
        for run in self._pairs:
            at, places = _find(run, rows)
            new[at[run[2][places] == ids[at]]] = False
        if new.any():
            self._waiting.append(np.stack([rows[new, 0], rows[new, 1], ids[new]]))
        if sum(pairs.shape[1] for pairs in self._waiting) >= _PAIRS_IN_MEMORY:
            self._write()

    def generation(self) -> Generation:
        """Write what waits, and say what there is of this mapping now."""
        self._write()
        count = parts_to_merge([run.rows for run in self._runs]) if self._grown else 1
        while count > 1 and sum(run.rows for run in self._runs[-count:]) > _PAIRS_IN_A_RUN:
            count -= 1
        if count > 1:
            together = np.concatenate(self._pairs[-count:], axis=1)
            del self._runs[-count:], self._pairs[-count:]
            self._keep(together)
        return Generation(mapping=self.mapping, columns=self.columns, runs=tuple(self._runs))

    def live(self) -> list[Ids]:
        """Return the ids of events that came from rows by this mapping."""
        return [pairs[2] for pairs in self._pairs]

    def _write(self) -> None:
        if self._waiting:
            self._keep(np.concatenate(self._waiting, axis=1))
            self._waiting = []

    def _keep(self, pairs: Pairs) -> None:
        self._grown = True
        run = write_pairs(self._folder, pairs)
        self._runs.append(run)
        self._pairs.append(read_run(self._folder / run.file))


class FileOrigins:
    """The rows of one file, chunk by chunk.

    Attributes:
        superseded: Number of pairs of earlier mappings that its rows superseded.
    """

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._occurrences = {
            columns: Occurrences()
            for columns in {origins.columns, *(earlier.generation.columns for earlier in origins.earlier)}
        }
        self.superseded = 0

    def known(self, columns: Columns) -> KnownRows:
        """Identify the next rows of the file, and their events by earlier mappings."""
        keys: dict[tuple[str, ...], Lanes] = {}
        for names, occurrences in self._occurrences.items():
            found = columns(names)
            if found is not None:
                keys[names] = occurrences.numbered(_row_fingerprints(found))
        rows, ids = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
        for earlier in self._origins.earlier:
            if earlier.generation.columns in keys:
                at, event_ids = earlier.touch(keys[earlier.generation.columns])
                rows.append(at)
                ids.append(event_ids)
                self.superseded += len(at)
        return KnownRows(keys[self._origins.columns], np.concatenate(rows), np.concatenate(ids))

    def note(self, known: KnownRows, rows: NDArray[np.int64], ids: Ids) -> None:
        """Note which events came from some of these rows."""
        self._origins.note(known.keys[rows], ids)


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows, and their events by earlier mappings.

    Attributes:
        keys: Fingerprints of the rows, shape (n, 2).
        rows: Positions of rows with earlier events, shape (k,); a row may come more than once.
        ids: Fingerprints of the events' ids, shape (k,).
    """

    keys: Lanes
    rows: NDArray[np.int64]
    ids: Ids

    def gave(self, rows: NDArray[np.int64], ids: Ids) -> NDArray[np.bool_]:
        """Return for each row whether an event with the given id came from it, shape (n,)."""
        order = np.argsort(self.rows, kind="stable")
        at, places = _ranges(self.rows[order], rows)
        gave = np.zeros(len(rows), dtype=bool)
        gave[at[self.ids[order[places]] == ids[at]]] = True
        return gave


class Earlier:
    """A generation of an earlier mapping, and which of its pairs are superseded in this commit."""

    def __init__(self, folder: Path, generation: Generation) -> None:
        self.generation = generation
        self._folder = folder
        self._pairs = [read_run(folder / run.file) for run in generation.runs]
        self._gone = [np.zeros(pairs.shape[1], dtype=bool) for pairs in self._pairs]

    @property
    def touched(self) -> bool:
        """Whether anything is superseded."""
        return any(gone.any() for gone in self._gone)

    def touch(self, rows: Lanes) -> tuple[NDArray[np.int64], Ids]:
        """Supersede the events of rows, shape (n, 2); return positions of the rows found, and their events."""
        found, ids = [], []
        for pairs, gone in zip(self._pairs, self._gone, strict=True):
            at, places = _find(pairs, rows)
            gone[places] = True
            found.append(at)
            ids.append(pairs[2][places])
        return np.concatenate(found), np.concatenate(ids)

    def superseded(self) -> list[Ids]:
        """Return the ids of events whose rows another mapping has read now."""
        return [pairs[2][gone] for pairs, gone in zip(self._pairs, self._gone, strict=True)]

    def live(self) -> list[Ids]:
        """Return the ids of events of the other rows."""
        return [pairs[2][~gone] for pairs, gone in zip(self._pairs, self._gone, strict=True)]

    def left(self) -> Generation | None:
        """Write the rest of the generation; return None if nothing is left."""
        if not self.touched:
            return self.generation
        runs = []
        for run, pairs, gone in zip(self.generation.runs, self._pairs, self._gone, strict=True):
            if not gone.any():
                runs.append(run)
            elif not gone.all():
                runs.append(write_pairs(self._folder, pairs[:, ~gone]))
        return replace(self.generation, runs=tuple(runs)) if runs else None


def write_pairs(folder: Path, pairs: Pairs) -> Run:
    """Write pairs to a file of the log, sorted and without repetitions."""
    ordered = pairs[:, np.lexsort((pairs[2], pairs[1], pairs[0]))]
    again = (ordered[:, 1:] == ordered[:, :-1]).all(axis=0)
    kept = ordered[:, np.append(True, ~again)] if ordered.shape[1] else ordered
    run = Run(file=f"rows-{uuid4().hex}.npy", rows=kept.shape[1])
    np.save(folder / run.file, kept, allow_pickle=False)
    return run


def _find(pairs: Pairs, rows: Lanes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows among pairs: return positions of rows, and places of their pairs; a row may have several."""
    order = np.argsort(rows[:, 0])  # ascending searches read a memory-mapped run once from front to back
    at, places = _ranges(pairs[0], rows[order, 0])
    same = pairs[1][places] == rows[order[at], 1]
    return order[at[same]], places[same]


def _ranges(ascending: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all places of each wanted number: position of the number, and place."""
    first = np.searchsorted(ascending, wanted, side="left")
    counts = np.searchsorted(ascending, wanted, side="right") - first
    at = np.repeat(np.arange(len(wanted)), counts)
    return at, np.repeat(first, counts) + np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)


def _row_fingerprints(columns: Sequence[pa.Array]) -> Lanes:
    """Fingerprint rows as they were read; missing and empty values differ."""
    texts = [_escaped(_as_read(column)) for column in columns]
    handling = {"null_handling": "replace", "null_replacement": _ESCAPE}
    return text_fingerprints(pc.binary_join_element_wise(*texts, _BETWEEN, **handling))


def _as_read(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = one_chunk(column)
    plain = whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole
    kind = plain.type
    if pa.types.is_timestamp(kind) or pa.types.is_date64(kind):
        plain = plain.cast(pa.int64())
    return plain.cast(pa.string())


def _escaped(texts: pa.Array) -> pa.Array:
    """Escape the separator within values."""
    if pc.any(pc.match_substring_regex(texts, f"[{_BETWEEN}{_ESCAPE}]")).as_py():
        texts = pc.replace_substring(pc.replace_substring(texts, _ESCAPE, _ESCAPE + "0"), _BETWEEN, _ESCAPE + "1")
    return texts
