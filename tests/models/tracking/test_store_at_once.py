"""A fresh store that several open at once, as a run and a service do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT

OPENING = """
import sys
from models.tracking.store import TrackingStore
print("ready", flush=True)
sys.stdin.readline()
print(len(TrackingStore(sys.argv[1]).client.search_experiments()))
"""


def test_who_opens_a_fresh_store_beside_another_finds_it_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENING, f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in both]
    assert [(process.returncode, shown) for process, (shown, _) in zip(both, said, strict=True)] == [(0, "1\n")] * 2, (
        said
    )
