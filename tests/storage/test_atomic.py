"""Files are complete or absent, and unfinished files of crashed writers are removed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.atomic import UNFINISHED, remove_unfinished, replace_text, replacing, writing
from tests.docs.pages import ROOT

WRITER = """
import sys
from pathlib import Path
from storage.atomic import replacing
with replacing(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("before")
    with pytest.raises(UnicodeEncodeError), replacing(file) as beside:
        beside.write_text("half \udcff", encoding="utf-8")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("a.txt", "before")]


def test_who_is_writing_is_left_alone_and_what_the_dead_left_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "run" / "a.txt"
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", WRITER, file], cwd=ROOT, **streams) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        [beside] = file.parent.iterdir()
        with replacing(file.with_name("b.txt")) as unfinished:
            unfinished.write_text("whole")
            remove_unfinished(tmp_path)
        assert beside.read_text() == "half"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert beside.exists()
    remove_unfinished(tmp_path)
    assert [found.name for found in file.parent.iterdir()] == ["b.txt"]


def test_the_next_writer_of_a_text_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f".a.json.0a1b{UNFINISHED}").write_text("half")
    (tmp_path / f".b.json.0a1b{UNFINISHED}").write_text("half")
    replace_text(tmp_path / "a.json", "whole", mode=0o640)
    assert sorted(found.name for found in tmp_path.iterdir()) == [f".b.json.0a1b{UNFINISHED}", "a.json"]
    assert ((tmp_path / "a.json").read_text(), (tmp_path / "a.json").stat().st_mode & 0o777) == ("whole", 0o640)


def test_two_writers_of_a_file_do_not_meet_and_the_later_one_wins(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    with replacing(file) as first:
        first.write_text("first")
        with replacing(file) as second:
            second.write_text("second")
        assert file.read_text() == "second"
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("a.txt", "first")]


def test_a_file_may_be_named_by_its_content_or_not_be_kept(tmp_path: Path) -> None:
    for name in ("named", None):
        with writing(tmp_path, "rows", lambda name=name: name) as beside:
            beside.write_text("content")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("named", "content")]
