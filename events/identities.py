"""Event ids of a log and the content of their events: sorted files of fingerprints that are searched in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from events.damage import DamagedError
from events.fingerprints import Lanes

Identities = NDArray[np.uint64]
"""Shape (2, n): fingerprints of event ids, ascending; fingerprints of the events' content."""


def identities_of(ids: Lanes, contents: Lanes) -> Identities:
    """Sort a table's fingerprints by id.

    One lane of 64 bits is kept of each fingerprint, 16 bytes per event. The probability that two ids out of 100 million
    share a lane is 3 in 10,000; then the later event would be quarantined as a conflict, not lost.
    """
    order = np.argsort(ids[:, 0], kind="stable")
    return np.stack([ids[order, 0], contents[order, 0]])


def merged(runs: Sequence[Identities]) -> Identities:
    """Merge sorted runs into one."""
    together = np.concatenate(list(runs), axis=1)
    whole: Identities = together[:, np.argsort(together[0], kind="stable")]
    return whole


def look_up(runs: Sequence[Identities], ids: Lanes) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Look up the content of event ids.

    Args:
        runs: Runs with disjoint ids.
        ids: Fingerprints of ids, shape (n, 2).

    Returns:
        Whether each id is known, and the fingerprint of its content (0 if unknown), both of shape (n,).
    """
    wanted = ids[:, 0]
    order = np.argsort(wanted)  # ascending searches read a memory-mapped run once from front to back
    ascending = wanted[order]
    found = np.zeros(len(wanted), dtype=bool)
    contents = np.zeros(len(wanted), dtype=np.uint64)
    for run in runs:
        if not run.shape[1]:
            continue
        places = np.minimum(np.searchsorted(run[0], ascending), run.shape[1] - 1)
        hit = run[0][places] == ascending
        found[order[hit]] = True
        contents[order[hit]] = run[1][places[hit]]
    return found, contents


def among(ids: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which ids are among the wanted ones, shape (n,); many times faster than numpy's hashing `isin`.

    Example:
        >>> among(np.array([3, 1, 2], dtype=np.uint64), np.array([2, 3], dtype=np.uint64)).tolist()
        [True, False, True]
    """
    if not len(wanted):
        return np.zeros(len(ids), dtype=bool)
    ascending = np.sort(wanted)
    found: NDArray[np.bool_] = ascending[np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)] == ids
    return found


def write_run(file: Path, run: Identities) -> None:
    """Write a run to a file."""
    np.save(file, run, allow_pickle=False)


def read_run(file: Path) -> Identities:
    """Map a run's file into memory, so that only what is searched is read.

    Raises:
        DamagedError: Something else has written to the file, or it is missing.
    """
    try:
        run: Identities = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DamagedError(file, str(error)) from error
    if run.dtype != np.uint64 or run.ndim != 2:
        raise DamagedError(file, f"{run.dtype} of shape {run.shape}")
    return run
