"""Makes ids for events whose source has none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.fingerprints import Lanes, as_hex, combine, content_fingerprints


class Occurrences:
    """Counts how often each content has come before in a file, by its fingerprint; keeps 16 bytes per content."""

    def __init__(self) -> None:
        self._seen = np.zeros(0, dtype=np.uint64)
        self._times = np.zeros(0, dtype=np.uint64)

    def numbered(self, contents: Lanes) -> Lanes:
        """Make equal contents different by how often each came before.

        Args:
            contents: Fingerprints of the next rows of the file, shape (n, 2).
        """
        return combine(contents, self._before(contents)[:, None])

    def _before(self, contents: Lanes) -> NDArray[np.uint64]:
        keys = contents[:, 0]
        order = np.argsort(keys, kind="stable")
        distinct, begins, counts = np.unique(keys[order], return_index=True, return_counts=True)
        before = np.arange(len(keys)) - np.repeat(begins, counts)
        places = np.searchsorted(self._seen, distinct)
        known = np.zeros(len(distinct), dtype=bool)
        inside = places < len(self._seen)
        known[inside] = self._seen[places[inside]] == distinct[inside]
        earlier = np.zeros(len(distinct), dtype=np.uint64)
        earlier[known] = self._times[places[known]]
        occurrences = np.empty(len(keys), dtype=np.uint64)
        occurrences[order] = before.astype(np.uint64) + np.repeat(earlier, counts)
        self._times[places[known]] += counts[known].astype(np.uint64)
        self._seen = np.insert(self._seen, places[~known], distinct[~known])
        self._times = np.insert(self._times, places[~known], counts[~known].astype(np.uint64))
        return occurrences


class ContentIds:
    """Derives an event's id from its content, and from how often that content has come before in the file.

    So the same file gives the same ids again, whatever its format, and two equal rows are two events. Skipped and
    quarantined rows do not count.
    """

    def __init__(self) -> None:
        self._occurrences = Occurrences()

    def next_ids(self, events: pa.Table) -> pa.Array:
        """Return the ids of the next events of the file, 32 hexadecimal digits each."""
        return as_hex(self._occurrences.numbered(content_fingerprints(events)))
