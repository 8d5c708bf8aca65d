"""The virtual environment of a checkout: created once, and recreated if it was moved or its Python is gone.

This module uses only the standard library and the syntax of Python 3.6, as `preflight` does.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from install.preflight import Refused, check, check_always

STAMPS = ".stamps"
MADE = "environment"
"""Stamp with the folder and Python of the environment, written when it is complete; later stamps depend on it."""


def ready(venv: Path, *, this_python: bool) -> None:
    """Create the environment unless there is a suitable one.

    Args:
        venv: Folder of the environment.
        this_python: Whether it must use this Python; otherwise an environment of another Python is kept.

    Raises:
        Refused: It cannot be created.
    """
    check_always(venv)
    why = stale(venv, this_python=this_python)
    if why is None:
        return
    command = check(venv, os.environ)
    if venv.exists():
        if not (venv / STAMPS).exists() and any(venv.iterdir()):
            raise Refused(f"{venv} was not created by nbo: remove it, or choose another folder: `VENV=.venv-nbo`")
        if (venv / STAMPS).exists():
            print(f"{venv} {why}: creating it again")
        empty(venv)
    (venv / STAMPS).mkdir(parents=True)
    if subprocess.call([*command, str(venv.resolve())]) != 0:
        raise Refused("the environment could not be created: see above")
    beside = venv / STAMPS / (MADE + ".new")
    beside.write_text(json.dumps({"folder": str(venv.resolve()), "python": python_of(venv)}), encoding="utf-8")
    beside.replace(venv / STAMPS / MADE)


def stale(venv: Path, *, this_python: bool) -> "str | None":
    """Return why an environment cannot be used, or None if it can."""
    try:
        stamp = json.loads((venv / STAMPS / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "is incomplete"
    if stamp["folder"] != str(venv.resolve()):
        return "was moved from {folder}".format(**stamp)
    if not os.access(stamp["python"], os.X_OK) or python_of(venv) != stamp["python"]:
        return "uses {python}, which no longer exists".format(**stamp)
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    if this_python and stamp["python"] != base:
        return "uses {python}".format(**stamp)
    return None


def python_of(venv: Path) -> str:
    """Return the interpreter of an environment."""
    return os.path.realpath(str(venv / "bin" / "python"))


def empty(venv: Path) -> None:
    """Empty an environment: first the stamp that it is complete, last the folder that marks it as nbo's."""
    if (venv / STAMPS / MADE).exists():
        (venv / STAMPS / MADE).unlink()
    for entry in sorted(venv.iterdir(), key=lambda entry: entry.name == STAMPS):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()


def main() -> int:
    """Create the environment in the folder of the first argument; a second argument `this` requires this Python."""
    try:
        ready(Path(sys.argv[1]), this_python=sys.argv[2:] == ["this"])
    except Refused as sentence:
        sys.stdout.flush()
        print(sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
