"""The code revision that trained a model."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNKNOWN_REVISION = "unknown"


def git_revision(folder: Path) -> str:
    """Return the commit of a folder, with `-dirty` if files differ from it; `unknown` without git.

    Args:
        folder: Any folder of the repository.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return UNKNOWN_REVISION
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
