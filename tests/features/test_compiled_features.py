from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import features.compiled_features
from config.reading import load_bank
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from tests.features.build import moments, table
from tests.features.demo import random_log

DEMO = load_bank(Path(__file__).parents[2] / "banks" / "demo")
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_formulas_give_the_same_bytes_together_and_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    events = table(random_log(DEMO.vocabulary, customers=8, events=600, seed=3))
    definitions = FeatureDefinitions(DEMO.features, DEMO.journey, Calendar(DEMO.time_zone))
    customers = sorted(set(events["customer_id"].to_pylist()))
    asked = moments(*((one, START + timedelta(days=30 * month)) for one in customers for month in range(8)))
    together = compute_features(events, asked, definitions)
    monkeypatch.setattr(features.compiled_features, "FEW", 0)
    one_by_one = compute_features(events, asked, definitions)
    derived = [name for name, feature in DEMO.features.features.items() if feature.expression is not None]
    assert len(derived) > 20
    assert any(np.isfinite(together.columns[name]).any() for name in derived)
    for name, column in together.columns.items():
        assert column.tobytes() == one_by_one.columns[name].tobytes(), name
