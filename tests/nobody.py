"""PostgreSQL refuses to run as root: for root it runs as `nobody`.

Who may not enter every folder that root may: neither `/root`, where the environment may lie, nor every `TMPDIR`. So
the server gets a copy of its programs beside its data, in the first temporary folder where `nobody` can run them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NOBODY = "nobody"
PLACES = ("/tmp", "/var/tmp")
PROGRAMS = Path("pginstall18") / "bin"


def unprivileged() -> dict[str, Any]:
    """How `subprocess` starts what refuses to run as root."""
    if os.geteuid():
        return {}
    return {"user": NOBODY, "group": pwd.getpwnam(NOBODY).pw_gid, "extra_groups": []}


@contextmanager
def postgresql_folder(package: Path) -> Iterator[tuple[Path, Path]]:
    """An empty folder for a server's data, and the folder of its programs, for the length of the block.

    Raises:
        PermissionError: The programs can be run nowhere.
    """
    refused = []
    for place in dict.fromkeys((tempfile.gettempdir(), *filter(os.path.isdir, PLACES))):
        with TemporaryDirectory(prefix="nbo_postgresql_", dir=place) as name:
            folder = Path(name)
            try:
                programs = package if os.geteuid() else _copy(package, folder)
            except PermissionError as error:
                refused.append(f"{place}: {error.strerror}")
            else:
                yield folder, programs / PROGRAMS
                return
    raise PermissionError(
        f"PostgreSQL does not run as root, and {NOBODY} can run no copy of it: got {', '.join(refused)}, expected a "
        "folder that everybody may enter and run programs in; set TMPDIR to one, or run the tests as another user"
    )


def _copy(package: Path, folder: Path) -> Path:
    copied = folder / package.name
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "*.pyc"))
    # libraries that the wheel carries lie beside the package on Linux, and in it on macOS
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    owner = pwd.getpwnam(NOBODY)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    # refused where nobody may not enter, and where nobody may run anything
    command: list[str | Path] = [copied / PROGRAMS / "postgres", "-V"]
    subprocess.run(command, check=True, cwd=folder, capture_output=True, **unprivileged())
    return copied
