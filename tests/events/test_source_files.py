from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import SourceError
from tests.events.build import GOOD, SOURCE, Desk, csv_lines

CONTENT = csv_lines([GOOD])
ANY = replace(SOURCE, files=("**/*.csv",))


@pytest.mark.parametrize("name", ["._crm.csv", ".crm.csv", ".snapshot/crm.csv", "day/.~lock.crm.csv"])
def test_hidden_files_and_folders_are_not_matched(desk: Desk, name: str) -> None:
    desk.put("crm.csv", CONTENT)
    (desk.files / name).parent.mkdir(exist_ok=True)
    (desk.files / name).write_bytes(b"\x00\x05\x16\x07")
    assert [file.file for file in desk.run(ANY).files] == ["crm.csv"]


def test_a_pattern_may_name_a_hidden_folder(desk: Desk) -> None:
    (desk.files / ".in").mkdir()
    desk.put(".in/crm.csv", CONTENT)
    desk.put(".in/.crm.csv", "no csv")
    assert [file.file for file in desk.run(replace(SOURCE, files=(".in/*.csv",))).files] == [".in/crm.csv"]


def test_links_within_the_folder_are_followed(desk: Desk, tmp_path: Path) -> None:
    desk.put("2026-07.csv", CONTENT)
    (desk.files / "latest.csv").symlink_to("2026-07.csv")
    assert desk.run(replace(SOURCE, files=("latest.csv",))).total.accepted == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(desk.files)
    desk.files = elsewhere
    assert desk.run(replace(SOURCE, files=("latest.csv",))).total.duplicates == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_out_of_the_folder_is_refused(desk: Desk, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "crm.csv").write_text(CONTENT)
    if kind == "file":
        (desk.files / "crm.csv").symlink_to(outside / "crm.csv")
    else:
        (desk.files / "day").symlink_to(outside)
    with pytest.raises(SourceError, match="is a link out of the folder of the sources"):
        desk.run(replace(SOURCE, files=("crm.csv" if kind == "file" else "day/*.csv",)))


@pytest.mark.parametrize("target", ["gone.csv", "crm.csv"])
def test_a_link_that_leads_nowhere_is_not_passed_over(desk: Desk, target: str) -> None:
    desk.put("other.csv", CONTENT)
    (desk.files / "crm.csv").symlink_to(target)
    with pytest.raises(SourceError, match=r"'crm\.csv' of source 'crm' is a link that leads nowhere"):
        desk.run(ANY)


def test_a_pipe_is_not_waited_for(desk: Desk) -> None:
    desk.put("other.csv", CONTENT)
    os.mkfifo(desk.files / "crm.csv")
    with pytest.raises(SourceError, match="is not a file"):
        desk.run(ANY)
