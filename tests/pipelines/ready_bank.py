"""A bank with features, champions and budgets that bind, made by its flows on one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.feature_build import build_features
from pipelines.importing import import_events
from pipelines.training import train_models
from tests.pipelines.small_bank import SmallBank

NAME = "both"


def ready_to_decide(place: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBank:
    """Make it, and let this process work on it."""
    bank = SmallBank.write(place, customers=500, months=9, name=NAME)
    bank.replace("budgets.yaml", "amount: 60,", "amount: 3,")
    bank.replace("budgets.yaml", "amount: 2000,", "amount: 40,")
    bank.use(monkeypatch)
    import_events(str(bank.folder))
    build_features(str(bank.folder))
    train_models(str(bank.folder))
    bank.promote_challengers()
    return bank


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}
