"""Judged predictions of a small world whose probabilities are known."""

from __future__ import annotations

import numpy as np

from models.held_out import HeldOutPredictions


def judged_world(
    rows: int = 3_000,
    customers: int = 600,
    seed: int = 3,
    strength: float = 1.0,
    noise: float = 0.8,
) -> HeldOutPredictions:
    """Calibrated model scores, a prevalence baseline and a noisy one, three folds, two groupings."""
    random = np.random.default_rng(seed)
    customer = random.integers(customers, size=rows)
    log_odds = -1.6 + strength * random.normal(size=customers)[customer] + 0.3 * random.normal(size=rows)
    probability = 1.0 / (1.0 + np.exp(-log_odds))
    fold = np.sort(random.integers(3, size=rows))
    stages = np.array(["growth", "mature", None], dtype=object)
    return HeldOutPredictions(
        fold=fold.astype(np.int64),
        customer_ids=np.array([f"c{number:05d}" for number in customer], dtype=object),
        as_of=np.datetime64("2026-01-01", "us")
        + (fold * 2_592_000 + np.arange(rows)) * np.timedelta64(1_000_000, "us"),
        y=(random.random(rows) < probability).astype(np.float64),
        scores={
            "model": probability,
            "prevalence": np.full(rows, 0.21),
            "noisy": 1.0 / (1.0 + np.exp(-log_odds - noise * random.normal(size=rows))),
        },
        groups={"stage": stages[random.integers(3, size=rows)], "offer": np.array(["loan"] * rows, dtype=object)},
    )
