"""Feast as it is written: its classes without a check of every argument's type at every call.

Feast asks typeguard for these checks, which compiles its modules anew whenever they are imported: 3 s in every process.
Python's own switch against that, `-O`, would take our asserts as well.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def _as_written(target: Any = None, **options: Any) -> Any:
    """Stand for `typeguard.typechecked`, which under `python -O` gives back what it is given."""
    del options
    return _as_written if target is None else target


with suppress(ImportError):  # machines of a cluster have no Feast
    import typeguard

    typeguard.typechecked = _as_written
