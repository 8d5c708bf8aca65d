"""Measure whole processes: seconds and peak memory, as the operating system accounts for them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished process and its children.

    Attributes:
        peak_megabytes: Of the largest single process.
    """

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


_LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen([sys.executable, "-m", *sys.argv[1:]], stdin=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, kilobytes / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process in between: the peak memory of a child counts from its parent's size at the fork."""


def measure(module: str, arguments: Sequence[str]) -> Measured:
    """Run a module in a fresh interpreter.

    Raises:
        RuntimeError: It failed.
    """
    launched = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, module, *arguments],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if launched.returncode != 0:
        raise RuntimeError(f"{module} ended with {launched.returncode}")
    return Measured(*json.loads(launched.stdout.splitlines()[-1]))


def surroundings(*packages: str) -> dict[str, Any]:
    """Say what was measured on: cores, memory, processor, versions; nothing that names a machine."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gigabytes": round(pages * size / 2**30, 1),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }
