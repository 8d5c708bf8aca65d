"""Every kind of mistake in retention.yaml is reported with its line and what was expected."""

from pathlib import Path

import pytest

from config.operations import Retention
from config.reading import load_bank
from tests.config.folders import Folder


def test_a_bank_keeps_everything_unless_it_says_otherwise(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    before = load_bank(folder.path)
    assert before.retention == Retention()
    folder.write("retention.yaml", "decisions_days: 400\nexplanations_days: 90\n")
    after = load_bank(folder.path)
    assert after.retention == Retention(decisions_days=400, explanations_days=90)
    assert after.digest == before.digest, "decisions do not depend on how long they are kept"


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("decisions_days: 89", 1, "too short: got 89, expected 90 or more"),
        ("explanations_days: 0", 1, "too short: got 0, expected 1 or more"),
        ("decisions_days: 100\nexplanations_days: 101", 2, "too long: got 101, expected at most decisions_days, 100"),
        ("decision_days: 100", 1, "unknown key: got 'decision_days', expected 'decisions_days' (did you mean it?)"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    [problem] = Folder(tmp_path).write("retention.yaml", content).problems()
    assert problem.startswith(f"retention.yaml:{line}: ")
    assert words in problem
