"""The environment below the checkout: made once, kept while it fits, made anew when it was moved or its Python is gone.

Standard library and the syntax of Python 3.6, as `preflight`.
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
"""Below the stamps: what the environment was made of, written when it is whole; all later stamps depend on it."""


def ready(venv: Path, *, this_python: bool) -> None:
    """Have an environment of a Python that nbo runs on.

    Args:
        venv: Its folder.
        this_python: Whether it has to be of this Python; otherwise whatever it was made of is kept.

    Raises:
        Refused: It cannot be made.
    """
    check_always(venv)
    why = stale(venv, this_python=this_python)
    if why is None:
        return
    command = check(venv, os.environ)
    if venv.exists():
        if not (venv / STAMPS).exists() and any(venv.iterdir()):
            raise Refused(f"{venv} was made by somebody else: remove it, or have another folder: `VENV=.venv-nbo`")
        if (venv / STAMPS).exists():
            print(f"{venv} {why}: it is made anew")
        empty(venv)
    (venv / STAMPS).mkdir(parents=True)
    if subprocess.call([*command, str(venv.resolve())]) != 0:
        raise Refused("the environment could not be made: see above")
    beside = venv / STAMPS / (MADE + ".new")
    beside.write_text(json.dumps({"folder": str(venv.resolve()), "python": python_of(venv)}), encoding="utf-8")
    beside.replace(venv / STAMPS / MADE)


def stale(venv: Path, *, this_python: bool) -> "str | None":
    """Say why an environment does not fit here, or None if it does."""
    try:
        made = json.loads((venv / STAMPS / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "is not whole"
    if made["folder"] != str(venv.resolve()):
        return "comes from {folder}".format(**made)
    if not os.access(made["python"], os.X_OK) or python_of(venv) != made["python"]:
        return "was made of {python}, which is no longer there".format(**made)
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    if this_python and made["python"] != base:
        return "is of {python}".format(**made)
    return None


def python_of(venv: Path) -> str:
    """Give the interpreter that an environment is of."""
    return os.path.realpath(str(venv / "bin" / "python"))


def empty(venv: Path) -> None:
    """Remove what is in an environment: first what says that it is whole, last what says that it is ours."""
    if (venv / STAMPS / MADE).exists():
        (venv / STAMPS / MADE).unlink()
    for entry in sorted(venv.iterdir(), key=lambda entry: entry.name == STAMPS):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()


def main() -> int:
    """Make the environment of the first argument; with a second, `this`, of this Python."""
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
