"""Everything that needs a real MLflow store: one SQLite file for all, since making its tables takes seconds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

from domain.errors import ModelError, StateError
from models.comparison import compare_with_champion, recorded_scores
from models.evaluation.evaluation import evaluate
from models.evaluation.pictures import draw_reliability
from models.gate import judge_challenger
from models.registry import CHALLENGER, CHAMPION, FORMER, ModelRegistry
from models.settings import Gate
from models.tracking.experiments import FACTS, UNKNOWN_REVISION, compare_runs, git_revision
from models.tracking.files import FILES_FOLDER
from models.tracking.runs import RunFindings, log_run
from models.tracking.store import TrackingStore
from tests.models.evaluation.worlds import judged_world
from tests.models.tracking.builders import SmallModel, facts, small_model


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("mlflow")
    store = TrackingStore(f"sqlite:///{home / 'state' / 'mlflow.db'}", home / "artifacts")
    yield store
    store.client._tracking_client.store._dispose_engine()
    store.client._get_registry_client().store._dispose_engine()


@pytest.fixture(scope="module")
def held_out():
    return judged_world(rows=900)


@pytest.fixture(scope="module")
def evaluation(held_out):
    return evaluate(held_out, replicates=20)


def logged(store, held_out, evaluation, *, passed=True, model=None, **changes):
    gate = Gate(minimum_positives=10 if passed else 10**9, maximum_calibration_error=1.0)
    report = judge_challenger(evaluation, {"balance": 0.7}, gate, champion=None)
    assert report.passed == passed, report.failures
    found = RunFindings(
        held_out=held_out, evaluation=evaluation, report=report,
        pictures={"reliability.png": draw_reliability(evaluation.reliability, "demo churn")},
        single_features={"balance": 0.7}, importance={"balance": 0.2},
    )  # fmt: skip
    return log_run(store, facts(**changes), model or small_model(), found)


@pytest.fixture(scope="module")
def first(store, held_out, evaluation):
    """The run and registration that most tests look at."""
    run = logged(store, held_out, evaluation)
    return run, ModelRegistry(store).register(run)


def test_a_run_holds_facts_metrics_tables_and_pictures(store, first, evaluation, tmp_path):
    run = store.client.get_run(first[0].run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["bank"] == "demo"
    assert run.data.tags["git_revision"].startswith("0123456789")
    assert run.data.tags["gate"] == "passed"
    assert run.data.params["horizon_days"] == "60"
    assert run.data.params["data_last"] == "2026-06-30T22:15:00+00:00"
    assert run.data.metrics["auc_low"] == evaluation.model["auc"].low
    assert run.data.metrics["baseline_noisy_auc"] == evaluation.scores["noisy"]["auc"].value
    folder = Path(store.client.download_artifacts(first[0].run_id, "", str(tmp_path)))
    assert (folder / "pictures" / "reliability.png").stat().st_size > 5_000
    assert len(pd.read_csv(folder / "tables" / "groups.csv")) == len(evaluation.groups)
    assert json.loads((folder / "tables" / "importance.json").read_text()) == {"balance": 0.2}
    assert json.loads((folder / "gate.json").read_text())["passed"] is True
    assert json.loads((folder / "tables" / "folds.json").read_text())[0]["score"] in evaluation.scores


def test_the_trees_are_native_text_and_nothing_is_pickled(first):
    folder = Path(first[0].source.removeprefix("file://"))
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"model.lgb", "MLmodel", "booster.txt", "shift.json", "requirements.txt"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".joblib", ".skops", ".py", ".pickle"))]
    assert lightgbm.Booster(model_file=str(folder / "model.lgb")).num_trees() == 3
    assert "code: null" in (folder / "MLmodel").read_text()


def test_no_customer_id_reaches_the_tracking_store(first, held_out):
    root = Path(first[0].source.removeprefix("file://")).parents[2]
    wanted = str(held_out.customer_ids[0]).encode()
    contents = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert len(contents) > 10
    assert all(wanted not in content for content in contents)


def test_the_champion_loads_as_it_was_logged(store, first):
    loaded = ModelRegistry(store).load("demo-churn", CHAMPION, SmallModel.from_files)
    assert loaded.registered == first[1]
    assert loaded.registered.data_last == facts().data_last
    assert loaded.model.shift == 0.25
    matrix = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_array_equal(loaded.model.booster.predict(matrix), small_model().booster.predict(matrix))


def test_recorded_predictions_are_found_again_row_by_row(store, first, held_out):
    recorded = ModelRegistry(store).recorded_predictions(first[1])
    later = held_out.take(np.arange(len(held_out))[::-2])
    np.testing.assert_array_equal(recorded_scores(later, recorded), later.scores["model"])
    comparison = compare_with_champion(later, recorded_scores(later, recorded), "recorded", replicates=20)
    assert (comparison.rows, comparison.improvements["log_loss"].value) == (len(later), 0.0)


def test_a_failed_challenger_leaves_the_champion_in_charge_and_a_better_one_replaces_it(store, held_out, evaluation):
    registry, name = ModelRegistry(store), "alias-churn"
    assert registry.find(name, CHAMPION) is None
    one = registry.register(logged(store, held_out, evaluation, bank="alias"))
    assert (registry.find(name, CHAMPION), registry.find(name, CHALLENGER)) == (one, None)
    two = registry.register(logged(store, held_out, evaluation, bank="alias", passed=False))
    assert (registry.find(name, CHAMPION), registry.find(name, CHALLENGER)) == (one, two)
    three = registry.register(logged(store, held_out, evaluation, bank="alias"))
    assert (registry.find(name, CHAMPION), registry.find(name, CHALLENGER)) == (three, None)
    registry.promote(two, by="A. Jansen", why="in a hurry")
    assert registry.find(name, CHAMPION) == two
    assert registry.find(name, FORMER) == three
    assert [move.sentence for move in registry.moves(two)][-1] == "champion given by A. Jansen: in a hurry"
    assert [move.sentence for move in registry.moves(three)][
        -1
    ] == f"former given by A. Jansen: version {two.version} is in charge"
    assert (registry.named(name, two.version), registry.named(name, "champion")) == (two, two)
    assert registry.named(name, "99") is registry.named(name, "nobody") is None


def test_with_rollouts_a_model_that_passed_waits_unless_it_is_the_first(store, held_out, evaluation):
    registry, name = ModelRegistry(store), "waits-churn"
    first = registry.register(logged(store, held_out, evaluation, bank="waits"), waits=True)
    second = registry.register(logged(store, held_out, evaluation, bank="waits"), waits=True)
    assert (registry.find(name, CHAMPION), registry.find(name, CHALLENGER)) == (first, second)
    assert registry.has_passed(second)


def test_a_first_model_that_fails_is_challenger_and_there_is_no_champion(store, held_out, evaluation):
    registry = ModelRegistry(store)
    registered = registry.register(logged(store, held_out, evaluation, bank="young", passed=False))
    assert registry.find("young-churn", CHALLENGER) == registered
    with pytest.raises(ModelError, match="there is no champion of young-churn"):
        registry.load("young-churn", CHAMPION, SmallModel.from_files)


def test_a_version_that_somebody_else_registered_is_refused(store, first):
    store.client.create_registered_model("foreign-churn")
    version = store.client.create_model_version("foreign-churn", source=first[0].source, run_id=first[0].run_id)
    store.client.set_registered_model_alias("foreign-churn", CHAMPION, version.version)
    with pytest.raises(ModelError, match="was not registered by nbo"):
        ModelRegistry(store).load("foreign-churn", CHAMPION, SmallModel.from_files)


def test_files_that_were_changed_are_not_loaded(store, held_out, evaluation):
    registry = ModelRegistry(store)
    run = logged(store, held_out, evaluation, bank="changed")
    registry.register(run)
    (Path(run.source.removeprefix("file://")) / FILES_FOLDER / "shift.json").write_text("9.0")
    with pytest.raises(ModelError, match="not those that were logged"):
        registry.load("changed-churn", CHAMPION, SmallModel.from_files)


def test_files_that_are_gone_are_an_error_with_a_remedy(store, held_out, evaluation):
    registry = ModelRegistry(store)
    run = logged(store, held_out, evaluation, bank="gone")
    registry.register(run)
    folder = Path(run.source.removeprefix("file://"))
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(ModelError, match="check the artefact store"):
        registry.load("gone-churn", CHAMPION, SmallModel.from_files)


class BrokenModel(SmallModel):
    def to_files(self, folder):
        raise OSError(28, "No space left on device")


def test_a_run_that_could_not_be_written_is_marked_as_failed(store, held_out, evaluation):
    broken = BrokenModel(small_model().booster, 0.0)
    with pytest.raises(OSError, match="No space left"):
        logged(store, held_out, evaluation, bank="broken", model=broken)
    assert compare_runs(store, "broken")["status"].tolist() == ["FAILED"]


def test_experiments_are_one_flat_table_the_newest_first(store, held_out, evaluation):
    for model in ("churn", "propensity"):
        logged(store, held_out, evaluation, bank="table", model=None, data_digest=model)
    table = compare_runs(store, "table")
    assert list(table.columns[: len(FACTS)]) == list(FACTS)
    assert table["data_digest"].tolist() == ["propensity", "churn"]
    assert table["auc"].tolist() == [evaluation.model["auc"].value] * 2
    assert table["parameter_seed"].tolist() == ["7", "7"]
    assert table["started"].is_monotonic_decreasing
    assert len(compare_runs(store, "table", newest=1)) == 1
    assert len(compare_runs(store)) > 2


def test_a_bank_without_runs_has_an_empty_table(store):
    table = compare_runs(store, "nobody")
    assert (len(table), tuple(table.columns)) == (0, FACTS)


def test_logging_and_loading_print_nothing_and_change_nothing_global(store, held_out, evaluation, capfd):
    before = dict(os.environ)
    ModelRegistry(store).register(logged(store, held_out, evaluation, bank="quiet"))
    ModelRegistry(store).load("quiet-churn", CHAMPION, SmallModel.from_files)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert dict(os.environ) == before


def test_a_store_that_is_gone_while_its_models_are_there_is_not_made_anew(tmp_path):
    (tmp_path / "artefacts" / "demo" / "a run").mkdir(parents=True)
    with pytest.raises(StateError, match="is gone: got no file"):
        TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts").experiment_id("demo")
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(StateError, match="is gone: got an empty file"):
        TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts").experiment_id("demo")


def test_a_store_that_is_no_store_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"this is not a database, but it is long enough to look at" * 20)
    with pytest.raises(StateError, match="MLFLOW_TRACKING_URI"):
        _ = TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}").client


def test_a_database_in_another_encoding_is_refused(postgresql_server):
    postgresql_server.add_database("runs_in_ascii", "SQL_ASCII")
    uri = postgresql_server.url("runs_in_ascii").replace("postgresql://", "postgresql+psycopg://")
    with pytest.raises(StateError, match=r"MLFLOW_TRACKING_URI .* got SQL_ASCII in 'runs_in_ascii', expected UTF8"):
        _ = TrackingStore(uri).client


@pytest.mark.skipif(shutil.which("git") is None, reason="a repository is made with git")
def test_the_revision_is_the_commit_and_says_when_files_differ(tmp_path):
    assert git_revision(tmp_path) == UNKNOWN_REVISION
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=no"]
    (tmp_path / "file").write_text("one")
    for arguments in (["init", "-q"], ["add", "file"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = git_revision(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").write_text("two")
    assert git_revision(tmp_path) == f"{clean}-dirty"
    assert git_revision(tmp_path / "missing") == UNKNOWN_REVISION


def test_evaluating_needs_no_tracking(tmp_path):
    """Judging must not pull MLflow in: it takes seconds to import."""
    code = "import sys; import models.evaluation.evaluation, models.gate; sys.exit('mlflow' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
