"""Garbage collection in a process of which most is imported: seldom, and not once more at its end."""

from __future__ import annotations

import atexit
import gc
from typing import Final

COLLECT_AFTER: Final = (10_000, 10, 10)
"""Thresholds of the garbage collector while large libraries are imported, fourteen times the default."""


def collect_seldom() -> None:
    """Collect less often, and leave what is there to the system when the process ends.

    Modules are no garbage, but Python looks through them again and again while they are imported, and at the end of the
    process once more: a third of the processor time of `nbo decide --customer`.
    """
    gc.set_threshold(*COLLECT_AFTER)
    atexit.register(gc.freeze)
