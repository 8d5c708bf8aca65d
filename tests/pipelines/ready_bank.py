"""A bank with features, champions and budgets that bind, made by its flows on one machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.feature_build import build_features
from pipelines.importing import import_events
from pipelines.training import train_models
from tests.made_once import made_once
from tests.pipelines.small_bank import SmallBank

NAME = "demo"
"""As the guides call it."""


def ready_to_decide(place: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBank:
    """Copy the bank to a place of its own, and let this process work on it.

    Args:
        place: Where the copy goes; files of models stay where they were made.
        monkeypatch: Sets this process's environment.
    """
    shutil.copytree(made_once("ready_bank", _make), place, dirs_exist_ok=True)
    bank = SmallBank.at(place, NAME)
    bank.use(monkeypatch)
    return bank


def _make(place: Path) -> None:
    bank = SmallBank.write(place, customers=500, months=9, name=NAME)
    bank.replace("budgets.yaml", "amount: 60,", "amount: 3,")
    bank.replace("budgets.yaml", "amount: 2000,", "amount: 40,")
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        import_events(str(bank.folder))
        build_features(str(bank.folder))
        train_models(str(bank.folder))
        bank.promote_challengers()


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}
