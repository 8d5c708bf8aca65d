"""Versions of registered models, read from MLflow's database as its client returns them."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import StateError
from models.tracking.store import TrackingStore
from models.tracking.versions import ModelVersion, _of_client, find_version
from tests.tracking_store import tracking_store

NAME = "demo-propensity"


@pytest.fixture
def store(tmp_path: Path) -> TrackingStore:
    made = TrackingStore(tracking_store(tmp_path / "it's a folder #1" / "mlflow.db"))
    made.client.create_registered_model(NAME)
    for number in range(3):
        run = made.client.create_run("0")
        source = f"file:///somewhere/{number}"
        made.client.create_model_version(NAME, source, run.info.run_id, tags={"digest": f"{number}", "gate": "passed"})
    made.client.set_registered_model_alias(NAME, "champion", "2")
    made.client.set_registered_model_alias(NAME, "challenger", "3")
    made.client.delete_model_version(NAME, "3")
    return made


@pytest.mark.parametrize("text", ["champion", "challenger", "slice", "1", "2", "3", "4", "o'brien"])
def test_a_version_is_what_mlflow_says_it_is(store: TrackingStore, text: str) -> None:
    assert find_version(store, NAME, text) == _of_client(store, NAME, text)
    assert find_version(store, "another", text) is None


def test_an_alias_that_moves_is_seen_at_once(store: TrackingStore) -> None:
    found = find_version(store, NAME, "champion")
    assert isinstance(found, ModelVersion)
    assert (found.version, found.tags) == ("2", {"digest": "1", "gate": "passed"})
    store.client.set_registered_model_alias(NAME, "champion", "1")
    moved = find_version(store, NAME, "champion")
    assert moved is not None
    assert (moved.version, moved.source) == ("1", "file:///somewhere/0")


def test_without_a_database_there_is_no_version_unless_there_are_files_of_models(tmp_path: Path) -> None:
    store = TrackingStore(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artefacts")
    assert find_version(store, NAME, "champion") is None
    assert not (tmp_path / "mlflow.db").exists()
    (tmp_path / "artefacts" / "demo-propensity" / "models").mkdir(parents=True)
    with pytest.raises(StateError, match="is gone"):
        find_version(store, NAME, "champion")


def test_a_database_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StateError, match=r"damaged|not a database"):
        find_version(TrackingStore(f"sqlite:///{tmp_path}/mlflow.db"), NAME, "champion")
