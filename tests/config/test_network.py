from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.problems import ConfigurationErrors
from config.reading import load_bank
from tests.pipelines.small_bank import DEMO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "demo"))


def test_a_bank_that_says_nothing_of_its_network_sends_nothing_into_it(folder: Path) -> None:
    assert load_bank(folder).network.inside == ()


def test_what_is_named_is_read_and_decides_nothing(folder: Path) -> None:
    before = load_bank(folder)
    (folder / "network.yaml").write_text("inside: [crm.bank.example, 10.20.0.0/16]\n")
    bank = load_bank(folder)
    assert bank.network.inside == ("crm.bank.example", "10.20.0.0/16")
    assert bank.digest == before.digest


def test_a_mistake_is_told_with_its_line(folder: Path) -> None:
    (folder / "network.yaml").write_text("inside:\n  - crm.bank.example\n  - 10.20.0.1/16\n")
    with pytest.raises(ConfigurationErrors, match=r"network\.yaml:3.*10\.20\.0\.1/16"):
        load_bank(folder)
