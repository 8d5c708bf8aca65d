"""Becomes another command of Python, which ends with the process that started it, however that ended.

What is killed cannot end what it started. Linux tells a process when its parent is gone, and the request for that
survives the change into another program; elsewhere the command goes on.

It is run as a file, by `python -I -S attached.py PARENT COMMAND...`, so that it takes no time and imports nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Of `prctl(2)`."""


def main(parent: int, command: list[str]) -> None:
    """Become the command, unless the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before it could be asked for
            return
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - our own command line


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
