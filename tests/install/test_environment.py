"""On real environments: made without pip, which takes half a second each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from install import environment
from install.environment import MADE, STAMPS, ready, stale
from install.preflight import Refused

PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "check", lambda *_: [PYTHON, "-m", "venv", "--without-pip"])
    folder = tmp_path / "a b [ü]" / ".venv"
    ready(folder, this_python=False)
    return folder


def made_anew(venv: Path, *, this_python: bool = False) -> bool:
    (venv / "left").touch()
    ready(venv, this_python=this_python)
    return not (venv / "left").exists()


def test_an_environment_is_made_once(venv: Path) -> None:
    command = [venv / "bin" / "python", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(venv)
    written = (venv / STAMPS / MADE).stat().st_mtime_ns
    assert not made_anew(venv)
    assert (venv / STAMPS / MADE).stat().st_mtime_ns == written


def test_it_is_made_once_for_the_same_python_by_name(venv: Path) -> None:
    assert not made_anew(venv, this_python=True)


def test_one_that_was_copied_along_with_its_checkout_is_made_anew(
    venv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "copy" / ".venv"
    shutil.copytree(venv, copied, symlinks=True)
    assert made_anew(copied)
    assert f"{copied} was moved from {venv}: creating it again" in capsys.readouterr().out
    assert stale(copied, this_python=True) is None
    assert stale(venv, this_python=True) is None


def test_one_whose_python_is_gone_is_made_anew(venv: Path, tmp_path: Path) -> None:
    gone = tmp_path / "python3.12"
    stamp = venv / STAMPS / MADE
    stamp.write_text(stamp.read_text().replace(PYTHON, str(gone)))
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(gone)
    assert stale(venv, this_python=False) == f"uses {gone}, which no longer exists"
    assert made_anew(venv)
    assert stale(venv, this_python=False) is None


def test_one_whose_python_became_another_is_made_anew(venv: Path, tmp_path: Path) -> None:
    other = tmp_path / "python3.12"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(other)
    assert made_anew(venv)


def test_one_of_another_python_is_kept_unless_this_one_is_asked_for(venv: Path, tmp_path: Path) -> None:
    other = tmp_path / "python3.12"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(other)
    stamp = venv / STAMPS / MADE
    stamp.write_text(stamp.read_text().replace(PYTHON, str(other)))
    assert not made_anew(venv, this_python=False)
    assert made_anew(venv, this_python=True)


def test_one_that_was_broken_off_is_made_anew(venv: Path) -> None:
    (venv / STAMPS / MADE).unlink()
    assert made_anew(venv)


def test_one_that_somebody_else_has_made_is_left_alone(venv: Path) -> None:
    shutil.rmtree(venv / STAMPS)
    with pytest.raises(Refused, match=r"was not created by nbo: remove it, or .*`VENV=\.venv-nbo`"):
        ready(venv, this_python=False)
    assert (venv / "bin" / "python").exists()


def test_one_that_lies_elsewhere_by_a_link_is_made_where_it_lies(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(venv)
    assert stale(link, this_python=True) is None
    (venv / STAMPS / MADE).unlink()
    assert made_anew(link)
    assert link.is_symlink()


def test_nothing_is_removed_where_no_other_can_be_made(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[str]:
        raise Refused("no room")

    monkeypatch.setattr(environment, "check", refuse)
    (venv / STAMPS / MADE).unlink()
    with pytest.raises(Refused, match="no room"):
        ready(venv, this_python=False)
    assert (venv / "bin" / "python").exists()


def test_on_windows_the_first_line_names_wsl(tmp_path: Path) -> None:
    code = """if True:
        import locale, os, shutil, sys  # shutil looks at the platform when it is imported
        sys.platform = "win32"
        del locale.nl_langinfo, locale.CODESET, os.statvfs, os.confstr  # Windows has none
        from install.environment import main
        sys.exit(main())
    """
    command = [sys.executable, "-c", code, str(tmp_path / ".venv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nbo runs on Linux and macOS; on Windows use WSL: `wsl --install`")
