"""Ctrl-C in the middle of a real `nbo run`: it says so, leaves nothing half-written, and the next run goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.small_bank import SmallBank, written_again
from tests.waiting import SECONDS, until


def started(bank: SmallBank) -> subprocess.Popen[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "NBO_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "nbo", "--bank", str(bank.folder), "run"],
        env={**others, "NBO_HOME": str(bank.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where the tests themselves run in the background, SIGINT would be ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one call, no locks
    )


def wait_for(process: subprocess.Popen[str], folder: Path, files: int) -> None:
    def written() -> bool:
        assert process.poll() is None, process.communicate()
        return len([*folder.rglob("*.parquet")]) >= files

    until(written)


def test_an_interrupted_run_exits_with_130_and_the_next_one_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = SmallBank.write(tmp_path, customers=500, months=9)
    bank.use(monkeypatch)
    parts = bank.home / "banks" / "small" / "feature_store" / "parts"
    process = started(bank)
    wait_for(process, parts, files=4)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "finished work is kept" in said
    assert "Traceback" not in said
    done = bank.stamps("feature_store/parts")
    assert len(done) >= 4
    assert not bank.parts.places.last_run.exists()
    following = started(bank)
    shown, said = following.communicate(timeout=SECONDS)
    assert following.returncode == 0, said
    assert re.search(r"customers\s+│\s+\d+", shown)
    # its servers have ended before it, and say nothing after its own last lines
    assert not re.search("Traceback|ERROR|refused|flushing", said + shown)
    assert shown.splitlines()[-1].startswith("  - all training runs: nbo --bank")
    after = bank.stamps("feature_store/parts")
    assert {name: after[name] for name in done} == done, "what was done before is not done again"
    assert written_again(done, after) >= {14, 15}
    assert len([*bank.parts.places.decisions.rglob("offers/*.parquet")]) == 16
