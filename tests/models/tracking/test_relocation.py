"""A tracking store that was moved with its files."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import StateError
from models.tracking.store import TrackingStore
from models.tracking.versions import find_version
from tests.tracking_store import tracking_store

NAME = "demo-churn"


def opened(home: Path) -> TrackingStore:
    return TrackingStore(tracking_store(home / "mlflow.db"), home / "artefacts")


def trained(home: Path) -> str:
    """Log a run with a file, and a version of a model; the run's id."""
    store = opened(home)
    run = store.client.create_run(store.experiment_id(NAME))
    store.client.log_text(run.info.run_id, "0.87", "auc.txt")
    source = f"{run.info.artifact_uri}/model"
    store.client.create_registered_model(NAME)
    store.client.create_model_version(NAME, source, run.info.run_id)
    return str(run.info.run_id)


def read(store: TrackingStore, run_id: str, folder: Path) -> str:
    folder.mkdir()
    return Path(store.client.download_artifacts(run_id, "auc.txt", str(folder))).read_text(encoding="utf-8")


@pytest.mark.parametrize("stays", [True, False], ids=["copied", "renamed"])
def test_files_are_found_where_the_home_is_and_new_ones_are_written_there(tmp_path: Path, stays: bool) -> None:
    before, now = tmp_path / "before", tmp_path / "it's moved #2 ä"
    run_id = trained(before)
    shutil.copytree(before, now) if stays else before.rename(now)
    store = opened(now)
    if stays:
        shutil.rmtree(before / "artefacts")
    version = find_version(store, NAME, "1")
    assert version is not None
    assert version.source == f"{(now / 'artefacts').as_uri()}/{NAME}/{run_id}/artifacts/model"
    assert read(store, run_id, tmp_path / "read") == "0.87"
    another = store.client.create_run(store.experiment_id(NAME))
    store.client.log_text(another.info.run_id, "0.88", "auc.txt")
    assert (now / "artefacts" / NAME / another.info.run_id / "artifacts" / "auc.txt").exists()
    assert not (before / "artefacts").exists()


def test_a_home_that_stays_is_left_alone(tmp_path: Path) -> None:
    trained(tmp_path / "home")
    content = (tmp_path / "home" / "mlflow.db").read_bytes()
    opened(tmp_path / "home").expect_runs()
    assert (tmp_path / "home" / "mlflow.db").read_bytes() == content


def test_files_that_are_elsewhere_on_purpose_stay_there(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    elsewhere = (tmp_path / "large disk" / NAME).as_uri()
    store.client.create_experiment(NAME, artifact_location=elsewhere)
    again = opened(tmp_path / "home")
    assert again.client.get_experiment_by_name(NAME).artifact_location == elsewhere


def test_a_database_that_cannot_be_changed_says_what_to_do(tmp_path: Path) -> None:
    trained(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "now")
    with closing(sqlite3.connect(tmp_path / "now" / "mlflow.db")) as database, database:
        database.execute("ALTER TABLE logged_models RENAME TO of_another_version")
    with pytest.raises(StateError, match="were moved, and their addresses cannot be changed"):
        opened(tmp_path / "now").expect_runs()
