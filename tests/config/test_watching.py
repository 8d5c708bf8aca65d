"""Mistakes in watching.yaml are found with what was expected."""

from pathlib import Path

import pytest

from config.problems import ConfigurationErrors
from config.reading import load_bank
from config.watching import Limit
from tests.config.folders import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_bank_without_the_file_has_limits_and_one_with_it_changes_some(folder: Folder) -> None:
    usual = load_bank(folder.path).watching
    assert (usual.limits.drift, usual.cool_down_minutes) == (Limit(amber=0.1, red=0.25), 60.0)
    before = load_bank(folder.path).digest
    folder.write("watching.yaml", "limits: {drift: {amber: 0.2, red: 0.3}}\nwindow_minutes: 10")
    bank = load_bank(folder.path)
    assert (bank.watching.limits.drift.red, bank.watching.limits.realised.red) == (0.3, 1.5)
    assert bank.digest == before, "decisions do not depend on it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits: {drift: {amber: 0.3, red: 0.2}}", "amber not above red"),
        ("limits: {confirmed_share: {amber: 0.7, red: 0.8}}", "amber not below red"),
        ("limits: {day_share: {amber: -1, red: -2}}", "numbers of at least 0"),
        ("cool_down_minutes: -1", "minutes out of range"),
        ("webhook: {url: 'https://bank.example/secret', secret: KEY}", "expected the name of an environment variable"),
        ("mail: {server: SMTP, sender: nobody, to: [a@b.example]}", "not an address: got 'nobody'"),
        ("mail: {server: SMTP, sender: a@b.example, to: []}", "not an address: got ''"),
    ],
)
def test_a_mistake_is_found(folder: Folder, text: str, problem: str) -> None:
    folder.write("watching.yaml", text)
    with pytest.raises(ConfigurationErrors) as error:
        load_bank(folder.path)
    found = str(error.value)
    assert problem in found
    assert "secret'" not in found
