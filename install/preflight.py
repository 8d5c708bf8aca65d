"""Checks of the machine before anything is installed; the first that fails is reported in one sentence.

This module uses only the standard library and the syntax of Python 3.6, so that an old Python gets the message too.
"""

import importlib.util
import locale
import os
import platform
import re
import shutil
import struct
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NEEDED_MB = 2200
"""The installed packages and the state of the simulated bank, with some room."""

PACKAGES_MB = 1200
"""Space for uv's cache if it is on another disk; on the same disk it shares files with the environment."""

MEMORY_MB = 3800
"""Usable memory of a 4 GB machine: training on the simulated bank takes 3.5 GB, Prefect's server 0.2 GB."""

LEAST_GLIBC = (2, 28)
LEAST_MACOS = (12, 0)
"""The oldest systems that every package of the lock is built for."""

LIBOMP_FOLDERS = (
    "/opt/homebrew/opt/libomp/lib",
    "/usr/local/opt/libomp/lib",
    "/opt/local/lib/libomp",
    "/usr/local/lib",
)
"""Where LightGBM looks for OpenMP on macOS."""


class Refused(Exception):  # noqa: N818 - not an error of the program
    """A reason why nbo cannot be set up, in one sentence for the user."""


def check_always(venv: Path) -> None:
    """Check what may change from one command to the next, or would make all other checks pointless."""
    check_system(sys.platform, platform.machine(), struct.calcsize("P") * 8)
    check_locale(venv.absolute(), locale.nl_langinfo(locale.CODESET), sys.version_info[:2])


def check(venv: Path, environ: "Mapping[str, str]") -> "list[str]":
    """Check that this Python can create the environment, and that everything can be installed in it.

    Args:
        venv: Folder of the environment.
        environ: The process environment.

    Returns:
        The command that creates the environment; append its folder.

    Raises:
        Refused: A check failed.
    """
    check_python(sys.version_info[:2], platform.python_implementation(), supported_pythons())
    if sys.platform == "darwin":
        check_macos(platform.mac_ver()[0], LIBOMP_FOLDERS)
    else:
        check_glibc(libc())
    check_memory(memory_mb(Path("/")))
    check_folder(venv.absolute())
    check_disk(venv, cache_folder(environ), lambda place: shutil.disk_usage(str(place)).free // 10**6)
    return maker(lambda module: importlib.util.find_spec(module) is not None, shutil.which("uv"))


def check_system(system: str, processor: str, bits: int) -> None:
    """Check for Linux or macOS on a processor that packages are built for."""
    if system in {"win32", "cygwin", "msys"}:
        raise Refused("nbo runs on Linux and macOS; on Windows use WSL: `wsl --install`, then continue inside it")
    if system not in {"linux", "darwin"}:
        raise Refused(f"nbo runs on Linux and macOS, this is {system}: use a container or a virtual machine")
    if processor not in {"x86_64", "aarch64", "arm64"} or bits != 64:
        raise Refused(
            "nbo's packages are built for x86-64 and 64-bit ARM, "
            f"this Python is for {processor} and {bits} bits: use another one or another machine"
        )


def check_python(
    version: "tuple[int, int]", implementation: str, supported: "tuple[tuple[int, int], tuple[int, int]]"
) -> None:
    """Check for a CPython that every package of the lock is built for."""
    first, beyond = supported
    got = "{} {}.{}".format(implementation, *version)
    if version >= beyond:
        got += ", which not every package is built for yet"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        got += " without the global lock"
    elif implementation == "CPython" and version >= first:
        return
    names = [f"python3.{minor}" for minor in range(beyond[1] - 1, first[1] - 1, -1)]
    here = [name for name in names if shutil.which(name)]
    remedy = f"use `PYTHON={here[0]}`, which is here" if here else f"install one and name it: `PYTHON={names[0]}`, say"
    raise Refused(f"nbo needs CPython 3.{first[1]} to 3.{beyond[1] - 1}, {sys.executable} is {got}: {remedy}")


def supported_pythons() -> "tuple[tuple[int, int], tuple[int, int]]":
    """Read the oldest supported version, and the first that is too new, from pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text)
    assert found is not None
    return (3, int(found.group(1))), (3, int(found.group(2)))


def check_glibc(found: str) -> None:
    """Check for a recent enough GNU C library."""
    name, _, version = found.partition(" ")
    if name != "glibc" or numbers(version) < LEAST_GLIBC:
        raise Refused(
            "nbo's packages are built for glibc {}.{} or newer, got {}: use Debian 10, Ubuntu 20.04, RHEL 8 "
            "or a later release".format(*LEAST_GLIBC, found)
        )


def libc() -> str:
    """Return name and version of the C library, such as `glibc 2.36`."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "another"
    except (ValueError, OSError):  # musl knows no such name
        return "another, as on Alpine"


def check_macos(version: str, folders: "Sequence[str]") -> None:
    """Check for a macOS that packages are built for, with OpenMP for LightGBM."""
    if numbers(version) < LEAST_MACOS:
        raise Refused("nbo's packages are built for macOS {}.{} or newer, got {}".format(*LEAST_MACOS, version))
    if not any(Path(folder, "libomp.dylib").exists() for folder in folders):
        raise Refused("LightGBM needs OpenMP, which macOS does not include: `brew install libomp`")


def numbers(version: str) -> "tuple[int, ...]":
    """Split a version into its first two numbers.

    Example:
        >>> numbers("2.36")
        (2, 36)
    """
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def check_folder(venv: Path) -> None:
    """Check for a folder in which programs can be installed and started."""
    if os.pathsep in str(venv):
        raise Refused(
            f"Python cannot create an environment in a folder with '{os.pathsep}' in its name: rename {venv.parent}"
        )
    place = existing(venv)
    if not os.access(str(place), os.W_OK):
        raise Refused(f"you may not write to {place}: copy the checkout to a folder of your own")
    if os.statvfs(str(place)).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise Refused(f"no program may be started from {place} (it is mounted noexec): copy the checkout elsewhere")


def check_memory(found_mb: int) -> None:
    """Check for enough memory for the demo, which the system would otherwise kill without a message."""
    if found_mb < MEMORY_MB:
        raise Refused(
            f"nbo needs 4 GB of memory, this machine or container has {found_mb / 1000:.1f} GB with its swap: "
            "add memory or swap, or raise the container's limit"
        )


def memory_mb(root: Path) -> int:
    """Return memory plus swap, or the limit of a container if that is lower, in MB.

    Args:
        root: Folder of `proc` and `sys`; a system without them reports memory without swap.
    """
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if (root / "proc" / "meminfo").exists():
        lines = (root / "proc" / "meminfo").read_text().splitlines()
        found = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("MemTotal:", "SwapTotal:")))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = root / "sys" / "fs" / "cgroup" / name
        if limit.exists() and limit.read_text().strip().isdigit():
            found = min(found, int(limit.read_text()))
    return found // 10**6


def check_locale(venv: Path, codeset: str, version: "tuple[int, int]") -> None:
    """Check that the locale can encode the path; before Python 3.13, the paths of an environment are read in it."""
    try:
        str(venv).encode(codeset)
    except UnicodeEncodeError:
        if version < (3, 13):
            raise Refused(
                f"Python {version[0]}.{version[1]} cannot read a path like {venv} in the locale that LC_ALL names: "
                "`unset LC_ALL`, or `export LC_ALL=C.UTF-8`"
            ) from None


def check_disk(venv: Path, cache: Path, free_mb: "Callable[[Path], int]") -> None:
    """Check for enough disk space for the packages, uv's cache of them and the demo's state."""
    needs = {existing(venv): NEEDED_MB}
    if existing(cache).stat().st_dev != existing(venv).stat().st_dev:
        needs[existing(cache)] = PACKAGES_MB
    for place, needed in needs.items():
        free = free_mb(place)
        if free < needed:
            raise Refused(
                f"nbo needs {needed / 1000:.1f} GB on the disk of {place}, which has {free / 1000:.1f} GB left: "
                "free some, or put the checkout, or uv's cache by UV_CACHE_DIR, on another disk"
            )


def cache_folder(environ: "Mapping[str, str]") -> Path:
    """Return the folder of uv's cache.

    Example:
        >>> str(cache_folder({"XDG_CACHE_HOME": "/var/cache"}))
        '/var/cache/uv'
    """
    if environ.get("UV_CACHE_DIR"):
        return Path(environ["UV_CACHE_DIR"])
    return Path(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "uv")  # noqa: PTH111 - never raises


def existing(place: Path) -> Path:
    """Return a folder, or the nearest parent that exists."""
    place = place.absolute()
    while not place.exists():
        place = place.parent
    return place


def maker(has: "Callable[[str], bool]", uv: "str | None") -> "list[str]":
    """Choose the command that creates the environment: Python's venv, or virtualenv or uv on systems that strip it.

    Args:
        has: Returns whether a module exists.
        uv: Path of the command, if there is one.
    """
    python = getattr(sys, "_base_executable", None) or sys.executable
    if has("venv") and has("ensurepip"):
        return [python, "-m", "venv"]
    if has("virtualenv"):
        return [sys.executable, "-m", "virtualenv", "--quiet"]
    if uv is not None:
        return [uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", python]
    raise Refused(
        "this Python cannot create environments: `apt install python3-venv` "
        f"(python3.{sys.version_info[1]}-venv if it is not the system's default), or install uv or virtualenv"
    )
