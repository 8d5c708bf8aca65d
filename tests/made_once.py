"""What all processes of a test run need: made by the first one that asks, then copied or read by all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from storage.lock import locked

FOLDER = "TESTS_MADE_ONCE"
"""Variable with the folder of the run, which the outer `conftest.py` sets and removes."""


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` has filled once in this run; nobody changes it afterwards."""
    shared = Path(os.environ[FOLDER])
    shared.mkdir(parents=True, exist_ok=True)
    made = shared / name
    with locked(shared / f"{name}.lock"):
        if not (shared / f"{name}.complete").exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            make(made)
            (shared / f"{name}.complete").touch()
    return made
