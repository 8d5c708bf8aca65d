"""Proposals with a bank's real folder, models and customers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from config.proposals.entries import kind_of
from config.proposals.proposed import write_entry
from domain.errors import StateError
from serving.decider import Decider
from serving.proposals.workflow import Proposals
from wiring.components import Components

SAMPLE: Final = 2_000
"""Customers whose decisions are compared."""

_SECONDS: Final = 900


def proposals_of(components: Components, decider: Callable[[], Decider]) -> Proposals:
    """Return the proposals of a bank."""
    return Proposals(
        folder=components.places.proposals, bank_folder=components.folder, decider=decider, what_if=compared_apart
    )


def compared_apart(folder: Path, kind: str, name: str, entry: str) -> Mapping[str, Any]:
    """Run `nbo simulate-policy` in a process of its own, so that decisions of this one need not wait.

    Raises:
        StateError: The command failed; its last line says why.
    """
    with TemporaryDirectory(prefix="nbo-proposal-") as place:
        proposed = Path(place) / folder.name
        proposed.mkdir()
        for file in folder.glob("*.yaml"):
            shutil.copy(file, proposed)
        write_entry(proposed, kind_of(kind), name, entry)
        command = [sys.executable, "-m", "nbo", "--bank", str(folder), "simulate-policy", "--change", str(proposed)]
        command += ["--sample", str(SAMPLE), "--json"]
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=dict(os.environ)
        )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise StateError("the comparison with today failed", got=said[-1] if said else f"exit {done.returncode}")
    tables: dict[str, Any] = json.loads(done.stdout)
    return tables
