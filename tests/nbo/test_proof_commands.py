"""`nbo pause`, `resume`, `check` and `evaluate` on a bank without data."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbo.commands import run_command_line
from nbo.proof_commands import show_trial
from pipelines.batch_run import BatchRun
from records.pauses import pauses_in_force
from serving.champion_files import ChampionFiles
from serving.decider import Decider
from tests.console.evidence import report as trial_report
from tests.pipelines.small_bank import DEMO
from tests.tracking_store import tracking_store
from wiring.components import Components, reload_components

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WORDS = ("--reason", "wrong rate", "--by", "A. Jansen", "--until", "2036-12-01")


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Components:
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    return reload_components(Path(shutil.copytree(DEMO, tmp_path / "bank")))


def said(bank: Components, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        run_command_line(["--bank", str(bank.folder), *words])
    assert (ended.value.code or 0) == code
    out, err = capsys.readouterr()
    return out + err


def test_a_rollout_is_shown_and_its_steps_need_a_person_and_a_reason(
    bank: Components, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_store(bank.settings.home / "mlflow" / "mlflow.db"))
    assert "no rollout is under way; no challenger waits" in said(bank, capsys, "rollout")
    assert "--by and --why" in said(bank, capsys, "rollout", "start", code=1)
    assert "no champion to compare with" in said(bank, capsys, "rollout", "start", "--by", "A", "--why", "B", code=1)
    assert "show, start, next, back" in said(bank, capsys, "rollout", "forwards", code=1)


def test_a_trial_is_shown_with_the_decisions_that_would_have_differed(capsys: pytest.CaptureFixture[str]) -> None:
    report = trial_report("bonus", 3.0)
    assert report.triggered is not None
    show_trial(report)
    out = " ".join(capsys.readouterr().out.split())
    assert report.triggered.result.sentence in out
    [lost] = report.triggered.lost.values()
    assert f"cannot be replayed for {lost:,} customers: the record is no longer kept" in out


def test_a_pause_is_told_shown_and_ended(bank: Components, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(bank, capsys, "pause", "--channel", "email", *WORDS)
    assert "channel email is paused: 0 waiting contacts caught, 0 had left" in told
    shown = said(bank, capsys, "check")
    assert "channel email" in shown
    assert "A. Jansen" in shown
    assert "no longer paused" in said(bank, capsys, "resume", "--channel", "email", "--by", "B. Smit")
    assert "A. Jansen" not in said(bank, capsys, "check")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "a pause is of one thing"),
        (("--channel", "email", "--outbound"), "a pause is of one thing"),
        (("--offer", "savings_pluss"), "savings_plus"),
    ],
)
def test_a_pause_of_nothing_or_of_two_things_is_refused(
    bank: Components, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    assert why in said(bank, capsys, "pause", *words, *WORDS, code=1)
    assert pauses_in_force(bank.database, NOW) == ()


def test_a_batch_run_gives_the_pauses_to_every_bucket(bank: Components, capsys: pytest.CaptureFixture[str]) -> None:
    said(bank, capsys, "pause", "--outbound", *WORDS)
    pauses = pauses_in_force(bank.database, NOW)
    run = BatchRun(
        run="r", as_of=NOW, champions=ChampionFiles(bank.places.champions, {}), folder=bank.folder, pauses=pauses
    )
    [work, *_] = run.works(bank)
    assert work.bank.pauses == pauses
    policy = Decider(work.bank, None, None).policy
    assert policy.rules[0].name == "paused_outbound"
    stopped = {policy.candidates.pairs[column][0].name for column in policy.rules[0].parts[0].columns.tolist()}
    assert "savings_plus" in stopped
    assert not {"payment_deferral", "overdraft_plan", "complaint_follow_up", "card_terms"} & stopped


def test_check_plans_with_stated_numbers(bank: Components, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(bank, capsys, "check", "--rate", "0.05", "--impressions", "200000")
    assert "random_offer" in shown
    assert "warning: random_offer tells no effect below 39%" in shown
    assert "both numbers" in said(bank, capsys, "check", "--rate", "0.05", code=1)


def test_a_policy_of_another_bank_is_not_evaluated(
    bank: Components, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = Path(shutil.copytree(DEMO, tmp_path / "other"))
    file = other / "bank.yaml"
    file.write_text(file.read_text().replace("name: demo", "name: other"))
    told = said(bank, capsys, "evaluate", str(other), "--as-of", "2026-06-01", code=1)
    assert "the policy is another bank's" in told
