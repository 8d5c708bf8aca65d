"""Free space on a disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

LEAST_FREE_BYTES: Final = 2**20
"""With less than this, servers and databases do not start, or stop storing, and do not always say why."""


def free_bytes(path: Path) -> int:
    """Return the free space of the disk where a path is or would be.

    Example:
        >>> free_bytes(Path("/not/there/yet")) == free_bytes(Path("/"))
        True
    """
    there = next((folder for folder in (path, *path.parents) if folder.exists()), path)
    return shutil.disk_usage(there).free
