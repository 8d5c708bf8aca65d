"""Check that `import` finds nbo's own packages, whose plain names other projects use too."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOMS: Final = (
    "domain",
    "nbo_client",
    "charts",
    "storage",
    "expressions",
    "events",
    "features",
    "journeys",
    "models",
    "decisioning",
    "simulation",
    "config",
    "records",
    "serving",
    "console",
    "wiring",
    "pipelines",
)
"""All packages except `nbo` itself."""


def check_rooms() -> None:
    """Check that each package is the one next to `nbo`, without importing it.

    Raises:
        ImportError: Something else has the name of a package, or a package is missing. The message says what is in
            the way.
    """
    ours = Path(__file__).parent.parent
    for room in ROOMS:
        found = _found(room)
        if found is None:
            raise ImportError(
                f"nbo's package {room} is not found: expected it in {ours}, and that folder on Python's path; "
                "install nbo as a whole, as `make demo` does"
            )
        if found != ours / room and not _same(found, ours / room):
            raise ImportError(_in_the_way(room, found))


def _found(room: str) -> Path | None:
    """Return the folder of the package, or the file of the module, that the name refers to or would refer to."""
    module = sys.modules.get(room)
    if module is not None:
        origin, folders = getattr(module, "__file__", None), getattr(module, "__path__", ())
    else:
        spec = find_spec(room)
        if spec is None:
            return None
        origin, folders = spec.origin, spec.submodule_search_locations or ()
    if origin is None:  # a folder without __init__.py, or a module created by a program
        return Path(next(iter(folders), f"a module {room} without a file"))
    file = Path(origin)
    return file.parent if file.stem == "__init__" else file


def _same(found: Path, expected: Path) -> bool:
    """Return whether both paths are the same place."""
    try:
        return found.samefile(expected)
    except OSError:
        return False


def _in_the_way(room: str, found: Path) -> str:
    what = f"{found} is in the way of nbo, which has a package called {room}"
    if found.parent.name in {"site-packages", "dist-packages"}:
        return f"{what}: uninstall what brought it, or install nbo into an environment of its own"
    if room in sys.modules:
        return f"{what}, and was imported first: rename it, or use nbo in another process"
    remedy = "start Python from another folder, or rename it"
    if not sys.flags.safe_path and _same(found.parent, Path(sys.path[0])):
        remedy = (
            "start Python from another folder, rename it, or keep its folder off the path with `python -P` "
            "(PYTHONSAFEPATH=1)"
        )
    return f"{what}: {remedy}"
