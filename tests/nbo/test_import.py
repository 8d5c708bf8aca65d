"""What `nbo import` says and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbo.commands import run_command_line
from tests.pipelines.csv_bank import CsvBank


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CsvBank:
    return CsvBank(tmp_path, monkeypatch)


def _import(bank: CsvBank, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run_command_line(["--bank", str(bank.folder), "import"])
    said = capfd.readouterr()
    return int(ended.value.code or 0), " ".join((said.out + said.err).split())


def test_a_file_of_which_nothing_is_accepted_fails_with_its_first_row_on_screen_and_the_others_are_imported(
    bank: CsvBank, capfd: pytest.CaptureFixture[str]
) -> None:
    bank.deliver(["c1,2025-01-01,app_login"])
    (bank.sources / "trailing.csv").write_text(
        "customer,time,event\nc2,2025-01-01,app_login,\n\nc3,2025-01-01,salary,\n"
    )
    code, said = _import(bank, capfd)
    assert code == 1
    assert "no row of some files could be accepted: got 'trailing.csv' (first row 1: field_count_wrong)" in said
    assert "got 4 fields, expected 3" in said
    assert "c2,2025-01-01,app_login," in said
    assert bank.parts.log.count() == 1
    (bank.sources / "trailing.csv").write_text("customer,time,event\nc2,2025-01-01,app_login\nbroken\n")
    assert _import(bank, capfd)[0] == 0
    assert bank.parts.log.count() == 2


def test_ids_that_a_spreadsheet_has_spoilt_are_accepted_with_a_warning_that_names_the_column(
    bank: CsvBank, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = ["1.23457E+11", "1.23457E+11", "1001.0", "1001", "NaN"]
    bank.deliver(f"{text},2025-01-0{day},app_login" for day, text in enumerate(ids, start=1))
    code, said = _import(bank, capfd)
    assert (code, bank.parts.log.count()) == (0, 5)
    assert "warnings" in said
    for count, words in (
        (2, "as a spreadsheet writes"),
        (1, "as a column of numbers with gaps"),
        (1, "with a word for"),
    ):
        assert f"{count} │ customer_id (column 'customer') is written {words}" in said


def test_a_mended_mapping_is_imported_again_and_replaces_what_was_there(
    bank: CsvBank, capfd: pytest.CaptureFixture[str]
) -> None:
    bank.deliver(["c1,2025-01-01 10:00:00,app_login", "c2,2025-01-02 10:00:00,app_login"])
    assert _import(bank, capfd)[0] == 0
    bank.replace("sources.yaml", "time_zone: UTC", "time_zone: Europe/Amsterdam")
    code, said = _import(bank, capfd)
    assert (code, bank.parts.log.count()) == (0, 2)
    assert "2 │ events that an earlier mapping made of rows were replaced" in said
    (found,) = bank.parts.log.read_customer("c1")["occurred_at"].to_pylist()
    assert found.hour == 9
