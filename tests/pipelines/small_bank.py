"""A small copy of the demo bank, and what its runs leave on disk."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.registry import CHALLENGER
from pipelines.reuse import REUSED
from tests.tracking_store import tracking_store
from wiring.components import Components, reload_components

DEMO = Path(__file__).parents[2] / "banks" / "demo"

MODELS = """\
churn:
  kind: inactivity
  group: activity
  horizon_days: 14
  population: "days_since_activity <= 45"
training:
  anchors_every_days: 30
  history_days: 60
  folds: 2
learning:
  churn: {parameters: {learning_rate: 0.2, early_stopping_round: 5}}
  propensity: {parameters: {learning_rate: 0.2, early_stopping_round: 5}}
gate: {minimum_positives: 10, maximum_calibration_error: 0.2}
"""
"""Churn within two weeks: hundreds of churners among few customers; few trees, which are grown in a moment."""

Stamps = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class SmallBank:
    """A folder of YAML, and the home that its runs work on."""

    folder: Path
    home: Path

    @classmethod
    def at(cls, place: Path, name: str) -> SmallBank:
        return cls(place / name, place / "home")

    @classmethod
    def write(cls, place: Path, *, customers: int, months: int, name: str = "small") -> SmallBank:
        bank = cls.at(place, name)
        shutil.copytree(DEMO, bank.folder)
        bank.replace("bank.yaml", "name: demo", f"name: {name}")
        (bank.folder / "models.yaml").write_text(MODELS)
        (bank.folder / "simulation.yaml").write_text(
            f"customers: {customers}\nmonths: {months}\nstart: 2025-01-01\nseed: 7\n"
        )
        return bank

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process work on the bank's home."""
        monkeypatch.setenv("NBO_HOME", str(self.home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_store(self.home / "mlflow" / "mlflow.db"))

    @property
    def parts(self) -> Components:
        return reload_components(self.folder)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def append(self, file: str, lines: str) -> None:
        with (self.folder / file).open("a") as handle:
            handle.write(lines)

    def stamps(self, *folders: str) -> Stamps:
        """Time and inode of every file of the state: both change when a file is written again."""
        files = (file for name in folders for file in sorted((self.parts.places.folder / name).rglob("*.parquet")))
        return {
            str(file.relative_to(self.parts.places.folder)): (file.stat().st_mtime_ns, file.stat().st_ino)
            for file in files
        }

    def promote_challengers(self) -> None:
        """Do as somebody would who trusts a model more than its gate: few customers give wide intervals."""
        registry = self.parts.models.registry
        for model in ("churn", "propensity"):
            challenger = registry.find(f"{self.parts.name}-{model}", CHALLENGER)
            if challenger is not None:
                registry.promote(challenger)


def written_again(before: Stamps, after: Stamps, folder: str = "") -> set[int]:
    """Buckets whose files below a folder are new or other than before."""
    changed = {name for name, stamp in after.items() if name.startswith(folder) and before.get(name) != stamp}
    return {int(re.findall(r"\d+", Path(name).name)[0]) for name in changed}


def apart_from_reuse(result: Any) -> Any:
    """A result without what it says about whose work it is: two runs differ in nothing else."""
    if isinstance(result, dict):
        return {name: apart_from_reuse(value) for name, value in result.items() if name != REUSED}
    return [apart_from_reuse(value) for value in result] if isinstance(result, list) else result
