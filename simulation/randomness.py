"""Random streams, one for each process of the simulation, so that a change in one does not affect the others."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, process: str) -> np.random.Generator:
    """Open the random stream of a process.

    Example:
        >>> bool(stream(7, "needs").integers(100) == stream(7, "needs").integers(100))
        True
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(process.encode())])))
