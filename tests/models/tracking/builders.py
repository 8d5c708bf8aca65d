"""A small model that is real, and the facts of its training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import lightgbm
import numpy as np

from expressions.types import ColumnType, Number
from models.tracking.runs import RunFacts


@dataclass(frozen=True)
class SmallModel:
    """Trees and a number beside them."""

    booster: lightgbm.Booster
    shift: float

    @property
    def schema(self) -> dict[str, ColumnType]:
        return dict.fromkeys(("balance", "age", "visits"), Number())

    def to_files(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "booster.txt").write_text(self.booster.model_to_string(), encoding="utf-8")
        (folder / "shift.json").write_text(str(self.shift), encoding="utf-8")

    @classmethod
    def from_files(cls, folder: Path) -> SmallModel:
        text = (folder / "booster.txt").read_text(encoding="utf-8")
        return cls(lightgbm.Booster(model_str=text), float((folder / "shift.json").read_text(encoding="utf-8")))


def small_model(seed: int = 1) -> SmallModel:
    random = np.random.default_rng(seed)
    features = random.normal(size=(200, 3))
    data = lightgbm.Dataset(features, (features[:, 0] > 0).astype(int))
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 4}
    return SmallModel(lightgbm.train(parameters, data, num_boost_round=3), shift=0.25)


def facts(bank: str = "demo", model: str = "churn", **changes: object) -> RunFacts:
    known = {
        "feature_service": f"{bank}_{model}",
        "data_digest": "ab" * 32,
        "data_first": datetime(2025, 1, 1, tzinfo=UTC),
        "data_last": datetime(2026, 6, 30, 22, 15, tzinfo=UTC),
        "git_revision": "0123456789abcdef0123456789abcdef01234567",
        "bank_digest": "cd" * 32,
        "parameters": {"horizon_days": 60, "seed": 7},
    }
    return RunFacts(bank=bank, model=model, **{**known, **changes})
