"""What a person types wrong: one sentence, exit code 1, no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbo.commands import run_command_line
from tests.config.folders import SMALL_BANK
from wiring.components import reload_components


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("NBO_HOME", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    bank = tmp_path / "bank"
    bank.mkdir()
    for name, text in SMALL_BANK.items():
        (bank / name).write_text(text)
    return bank


CASES = [
    (["decide", "--customer", "c1", "--channel", "app", "--as-of", "0001-01-01"], "expected a year from 1971 to 2099"),
    (["decide", "--customer", "c1", "--channel", "app", "--as-of", "9999-12-31"], "expected a year from 1971 to 2099"),
    (["decide", "--dry-run"], "--dry-run is for one customer"),
    (["decide", "--customer", " ", "--channel", "app", "--as-of", "2025-06-01"], "a decision needs a customer"),
    (["decide", "--customer", "c1", "--channel", "ap", "--as-of", "2025-06-01"], "'app' (did you mean it?)"),
    (["experiments", "--model", "chrun"], "'churn' (did you mean it?)"),
    (["experiments"], "has no runs yet"),
]


@pytest.mark.parametrize(("arguments", "told"), CASES)
def test_a_wrong_argument_is_told_in_one_sentence(
    folder: Path, arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_command_line(["--bank", str(folder), *arguments])
    errors = capfd.readouterr().err
    assert stopped.value.code == 1
    assert told in errors.replace("\n", " ")
    assert "Traceback" not in errors


def test_a_home_that_is_a_file_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBO_HOME", str(folder / "bank.yaml"))
    with pytest.raises(SystemExit) as stopped:
        run_command_line(["--bank", str(folder), "check"])
    assert stopped.value.code == 1
    assert "set NBO_HOME to a writable folder" in capfd.readouterr().err


def test_runs_that_cannot_be_written_to_a_file_are_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    components = reload_components(folder)
    store = components.models.store
    store.client.create_run(store.experiment_id(components.name), tags={"bank": components.name, "model": "churn"})
    with pytest.raises(SystemExit) as stopped:
        run_command_line(["--bank", str(folder), "experiments", "--csv", str(folder / "bank.yaml" / "runs.csv")])
    assert stopped.value.code == 1
    assert "could not be written to" in capfd.readouterr().err


def test_a_missing_folder_is_told_with_the_nearest_bank_beside_it(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / "something_else").mkdir()
    with pytest.raises(SystemExit) as stopped:
        run_command_line(["--bank", str(folder.parent / "bnak"), "check"])
    errors = capfd.readouterr().err
    assert stopped.value.code == 1
    assert "'bank' (did you mean it?)" in errors
    assert "something_else" not in errors
