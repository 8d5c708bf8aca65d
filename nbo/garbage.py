"""Garbage collection in a process of which most is imported: seldom."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_AFTER: Final = (10_000, 10, 10)
"""Thresholds of the garbage collector while large libraries are imported, fourteen times the default."""


def collect_seldom() -> None:
    """Collect less often: modules are no garbage, but Python looks through them again and again while it imports."""
    gc.set_threshold(*COLLECT_AFTER)
