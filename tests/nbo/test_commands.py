from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from nbo import bank_commands
from nbo.app import moment_of
from nbo.commands import app, run_command_line
from tests.pipelines.csv_bank import CsvBank, logins
from tests.pipelines.small_bank import DEMO

NAMES = sorted(get_command(app).commands)  # type: ignore[attr-defined]  # the group of all commands


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        run_command_line([*arguments])
    code = caught.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_every_command_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(name, "--help") == 0
    bank = "" if name == "init" else r"--bank \S+ "  # it makes the bank's folder
    assert re.search(rf"nbo {bank}{name}", " ".join(capsys.readouterr().out.split()))


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code() == 2
    shown = capsys.readouterr()
    assert all(name in shown.out + shown.err for name in NAMES)


@pytest.mark.parametrize(("typed", "completed"), [("nbo deci", "decide"), ("nbo decide --cus", "--customer")])
def test_a_shell_completes_commands_and_options(typed: str, completed: str) -> None:
    asked = {"_NBO_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    command = Path(sys.executable).with_name("nbo")
    answer = subprocess.run([command], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert answer.stdout.split() == [completed]


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--bank", str(DEMO), "runn") == 2
    assert "runn" in capsys.readouterr().err


def test_check_says_what_a_bank_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--bank", str(DEMO), "check") == 0
    shown = capsys.readouterr().out
    assert "A simulated retail bank" in " ".join(shown.split())
    assert re.search(r"offers\s+│\s+25", shown)


def test_check_tells_every_mistake_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(DEMO, folder)
    (folder / "bank.yaml").write_text((folder / "bank.yaml").read_text().replace("EUR", "euro"))
    (folder / "policies.yaml").write_text((folder / "policies.yaml").read_text().replace("age >= 18", "agee >= 18"))
    (folder / "offers.yml").write_text("")
    assert exit_code("--bank", str(folder), "check") == 1
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert lines[0].startswith("nbo: 3 problems in")
    assert [re.sub(r".*/broken/", "", line).split(" ")[0] for line in lines[1:]] == [
        "bank.yaml:4:",
        "offers.yml:",
        "policies.yaml:8:",
    ]
    assert "'age' (did you mean it?)" in lines[3]


def test_an_error_of_ours_is_one_sentence_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    assert exit_code("--bank", str(bank.folder), "import") == 1
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert len(shown.strip().splitlines()) == 1
    assert shown.startswith("nbo: ")


def test_the_import_counts_what_it_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    bank.deliver([*logins(3, every_days=100), "c000,nonsense,app_login"])
    assert exit_code("--bank", str(bank.folder), "import") == 0
    shown = capsys.readouterr().out
    assert "time_unreadable: 1" in shown or "1" in shown
    assert bank.parts.log.count() == 9


def test_ctrl_c_says_that_what_is_done_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(context: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bank_commands, "components_of_bank", interrupted)
    assert exit_code("check") == 130
    assert "finished work is kept" in capsys.readouterr().err


def test_one_customer_needs_a_channel(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--bank", str(DEMO), "decide", "--customer", "c000001") == 1
    assert "expected app, web, email" in capsys.readouterr().err


def test_experiments_of_a_bank_without_runs_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    assert exit_code("--bank", str(bank.folder), "experiments") == 1
    assert "has no runs yet; nbo --bank" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "models.training.folds=2"), "changed settings need a name"),
        (("--as", "v7"), "not a name for an experiment: got 'v7'"),
        (("--as", "champion"), "not a name for an experiment: got 'champion'"),
        (("--as", "mine", "--set", "models.propensity.num_leafs=3"), "expected 'num_leaves' (did you mean it?)"),
    ],
)
def test_an_experiment_that_cannot_be_is_told_before_anything_starts(
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    monkeypatch.setattr(bank_commands, "components_with_flows", None)
    assert exit_code("--bank", str(bank.folder), "train", *options) == 1
    assert words in capsys.readouterr().err


def test_moments_are_of_the_banks_time_zone() -> None:
    from datetime import datetime

    from wiring.components import components_of

    moment = moment_of(components_of(DEMO), datetime(2026, 6, 1))  # noqa: DTZ001 - as typer reads it
    assert moment is not None
    assert moment.isoformat() == "2026-06-01T00:00:00+02:00"


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    project = tomllib.loads((DEMO.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert capsys.readouterr().out == f"{project['version']}\n"


def test_the_environment_names_the_bank(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NBO_BANK", str(DEMO.parent / "bpi2012"))
    assert exit_code("check") == 0
    assert "bpi2012" in capsys.readouterr().out


def test_tables_are_printed_as_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--json", "--bank", str(DEMO), "check") == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    assert {"part": "offers", "count": 25} in tables[0]["rows"]


def test_a_quiet_command_prints_only_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--quiet", "--bank", str(DEMO), "check") == 0
    assert exit_code("--quiet", "--bank", str(DEMO), "decide", "--customer", "c000001") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "needs a channel" in shown.err
    assert exit_code("--bank", str(DEMO), "check") == 0
    assert "offers by stage" in capsys.readouterr().out


def test_a_condition_that_can_never_hold_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(DEMO, folder)
    policies = folder / "policies.yaml"
    policies.write_text(policies.read_text().replace('"age >= 18"', '"age >= 18 AND age < 10"'))
    assert exit_code("--bank", str(folder), "check") == 1
    assert "`age >= 18 AND age < 10` can never hold" in capsys.readouterr().err


def test_a_column_that_a_file_lacks_is_found_by_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    assert exit_code("--bank", str(bank.folder), "check") == 0, "nothing has been delivered yet"
    bank.deliver(logins(5, every_days=30))
    assert exit_code("--bank", str(bank.folder), "check") == 0
    (bank.sources / "second.csv").write_text("client,time,event\nc1,2025-01-01T10:00:00,app_login\n")
    assert exit_code("--bank", str(bank.folder), "check") == 1
    assert "second.csv" in capsys.readouterr().err
