"""OpenMP for LightGBM on Linux systems without it, borrowed from scikit-learn's wheel, which bundles it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from install.preflight import Refused


def lend_openmp(packages: Path, patchelf: Path) -> bool:
    """Make LightGBM use scikit-learn's OpenMP if the system has none.

    LightGBM's library is replaced by a patched copy, because the file itself may be shared with uv's cache. A library
    that can be loaded is not changed.

    Args:
        packages: The environment's folder of packages.
        patchelf: The program that patches a library's dependencies.

    Returns:
        Whether anything was changed.

    Raises:
        Refused: LightGBM cannot be loaded for another reason.
    """
    library = packages / "lightgbm" / "lib" / ("lib_lightgbm.dylib" if sys.platform == "darwin" else "lib_lightgbm.so")
    missing = load_error(library)
    if missing is None:
        return False
    lent = sorted((packages / "scikit_learn.libs").glob("libgomp-*.so*"))
    if "libgomp" not in missing or not lent:
        raise Refused(f"LightGBM cannot be loaded: {missing}")
    needed = _run(patchelf, "--print-needed", library).split()
    wanted = next(name for name in needed if name.startswith("libgomp"))
    beside = library.with_name("changed.so")
    # fmt: off
    _run(
        patchelf, "--output", beside,
        "--replace-needed", wanted, lent[0].name,
        "--set-rpath", "$ORIGIN/../../scikit_learn.libs",
        library,
    )
    # fmt: on
    beside.chmod(library.stat().st_mode)
    if still := load_error(beside):
        beside.unlink()
        raise Refused(f"LightGBM cannot be loaded, even with scikit-learn's OpenMP: {still}")
    beside.replace(library)
    print("this system has no libgomp.so.1: LightGBM uses the OpenMP of scikit-learn")
    return True


def load_error(library: Path) -> str | None:
    """Load a library in a separate process, and return the loader's error message; None if it loads."""
    code = "import ctypes, sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as error: sys.exit(str(error))"
    done = subprocess.run([sys.executable, "-c", code, str(library)], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def _run(program: Path, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"LightGBM's library cannot be changed: {done.stderr.strip()}")
    return done.stdout
