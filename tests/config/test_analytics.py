"""Every kind of mistake in analytics.yaml is reported with its line and what was expected."""

from pathlib import Path

import pytest

from config.reading import load_bank
from journeys.settings import STANDARD_STEPS, Analytics
from tests.config.folders import Folder


def test_a_bank_without_the_file_has_the_standard_figures(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    before = load_bank(folder.path)
    assert before.analytics == Analytics()
    folder.write("analytics.yaml", "smallest_cell: 50\n")
    after = load_bank(folder.path)
    assert after.analytics == Analytics(smallest_cell=50)
    assert after.digest == before.digest, "decisions do not depend on what figures count"


@pytest.mark.parametrize("name", ["demo", "bpi2012"])
def test_the_banks_at_hand_define_their_funnels(name: str) -> None:
    bank = load_bank(Path(__file__).parents[2] / "banks" / name)
    steps = bank.analytics.steps_of(bank.vocabulary)
    assert len(steps) == len(bank.analytics.steps) > len(STANDARD_STEPS)
    assert bank.analytics.touchpoints_of(bank.vocabulary)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("segment: segmnt", 1, "no such attribute: got 'segmnt'"),
        ("steps:\n  - {step: one}", 2, "step one has no events: expected groups or types of events"),
        ("steps:\n  - {step: one, groups: [aktivity]}", 2, "no event type is of this group: got 'aktivity'"),
        ("steps:\n  - {step: one, types: [app_logon]}", 2, "no such event type: got 'app_logon'"),
        ("touchpoints: [servise_contact]", 1, "no event type is of this group: got 'servise_contact'"),
        ("pause_days: 0", 1, "days out of range: got 0, expected 1 to 3650"),
        ("smallest_cell: 4", 1, "smallest cell out of range: got 4, expected 5 or more customers"),
        ("pauze_days: 30", 1, "unknown key: got 'pauze_days', expected 'pause_days' (did you mean it?)"),
    ],
)
def test_a_mistake_is_reported_where_it_is(tmp_path: Path, content: str, line: int, words: str) -> None:
    [problem] = Folder(tmp_path).write("analytics.yaml", content).problems()
    assert problem.startswith(f"analytics.yaml:{line}: ")
    assert words in problem


def test_a_step_that_is_given_twice_is_reported(tmp_path: Path) -> None:
    content = "steps:\n  - {step: one, groups: [activity]}\n  - {step: one, groups: [activity]}"
    [problem] = Folder(tmp_path).write("analytics.yaml", content).problems()
    assert problem.startswith("analytics.yaml:3: duplicate step one")
