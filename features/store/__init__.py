"""Feast without typeguard's runtime type checks.

Feast requests these checks from typeguard, which recompiles Feast's modules whenever they are imported: 3 s in every
process. Python's own switch against them, `-O`, would also remove nbo's asserts.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def _as_written(target: Any = None, **options: Any) -> Any:
    """Replace `typeguard.typechecked` with a decorator that changes nothing, as under `python -O`."""
    del options
    return _as_written if target is None else target


with suppress(ImportError):  # machines of a cluster have no Feast
    import typeguard

    typeguard.typechecked = _as_written
