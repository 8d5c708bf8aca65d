from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def made(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(ROOT), f"VENV={folder / 'venv'}", *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = made(tmp_path, "PYTHON=/nowhere/python3", "demo")
    assert done.returncode != 0
    assert "there is no /nowhere/python3 here: install Python 3.11 or newer, or name it by PYTHON=" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_the_environment_is_of_the_python_that_is_named(tmp_path: Path) -> None:
    done = made(tmp_path, "PYTHON=echo", "demo")
    assert f"-m install.environment {tmp_path / 'venv'} this\n" in done.stdout


def test_a_refusal_ends_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "something").touch()
    done = made(tmp_path, f"PYTHON={sys.executable}", "demo")
    assert done.returncode != 0
    assert done.stderr.startswith(f"{tmp_path / 'venv'} was not created by nbo")
    assert [file.name for file in (tmp_path / "venv").iterdir()] == ["something"]
