"""Reads the tables of a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from models.tracking.store import TrackingStore, quiet_mlflow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTables:
    """Tables of a run, beside its metrics.

    Attributes:
        scores: Columns score, metric, value, low, high, over all test folds.
        improvements: Columns over, metric, value, low, high: how much better the model is than a baseline.
        folds: The same for every fold, with fold, first, last, rows and positives.
        groups: Quality per stage, segment, offer and channel.
        importance: Feature -> mean absolute SHAP value, largest first.
        single_features: Feature -> its AUC alone, highest first.
        checks: Checks of the gate: name, passed, value, bound, sentence.
    """

    scores: pd.DataFrame
    improvements: pd.DataFrame
    folds: pd.DataFrame
    groups: pd.DataFrame
    importance: Mapping[str, float]
    single_features: Mapping[str, float]
    checks: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, store: TrackingStore, run_id: str) -> RunTables:
        """Download the tables of a run."""
        with quiet_mlflow(), TemporaryDirectory() as fetched:
            folder = Path(store.client.download_artifacts(run_id, "tables", fetched))
            gate = Path(store.client.download_artifacts(run_id, "gate.json", fetched))
            return cls(
                scores=pd.read_csv(folder / "scores.csv"),
                improvements=pd.read_csv(folder / "improvements.csv"),
                folds=pd.read_csv(folder / "folds.csv"),
                groups=pd.read_csv(folder / "groups.csv"),
                importance=json.loads((folder / "importance.json").read_text(encoding="utf-8")),
                single_features=json.loads((folder / "single_features.json").read_text(encoding="utf-8")),
                checks=tuple(json.loads(gate.read_text(encoding="utf-8"))["checks"]),
            )

    @property
    def fold_names(self) -> tuple[int, ...]:
        """Numbers of the folds, in time order."""
        return tuple(int(fold) for fold in sorted(self.folds["fold"].unique()))

    def estimate(self, score: str, metric: str, fold: int | None = None) -> tuple[float, float, float]:
        """Return a metric of the model or a baseline with its interval, over all folds or on one."""
        table = self.scores if fold is None else self.folds[self.folds["fold"] == fold]
        row = table[(table["score"] == score) & (table["metric"] == metric)].iloc[0]
        return float(row["value"]), float(row["low"]), float(row["high"])

    def improvement(self, over: str, metric: str) -> tuple[float, float, float]:
        """Return how much better the model is than a baseline, with the interval of the paired difference."""
        table = self.improvements
        row = table[(table["over"] == over) & (table["metric"] == metric)].iloc[0]
        return float(row["value"]), float(row["low"]), float(row["high"])
