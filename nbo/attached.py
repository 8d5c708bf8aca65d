"""Run a Python command that ends when the process that started it ends, even if that is killed.

A killed process cannot end its children. Linux can signal a process when its parent is gone, and that request survives
`exec`; on other systems the command keeps running.

This is run as a file, by `python -I -S attached.py PARENT COMMAND...`, so that it starts fast and imports nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Option of `prctl(2)`."""


def main(parent: int, command: list[str]) -> None:
    """Replace this process with the command, unless the parent is already gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the request
            return
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - our own command line


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
