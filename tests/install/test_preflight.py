from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from install import preflight
from install.preflight import Refused

INSTALL = Path(preflight.__file__).parent


@pytest.mark.parametrize("file", ["preflight.py", "environment.py", "__init__.py"])
def test_an_old_python_can_read_what_refuses_it(file: str) -> None:
    ast.parse((INSTALL / file).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_this_machine_is_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_MB", 1)  # everything is installed already
    maker = preflight.check(tmp_path / "below" / ".venv", {**os.environ, "UV_CACHE_DIR": str(tmp_path)})
    assert Path(maker[0]).exists()


@pytest.mark.parametrize("system", ["win32", "cygwin"])
def test_windows_is_pointed_to_wsl(system: str) -> None:
    with pytest.raises(Refused, match="on Windows use WSL: `wsl --install`"):
        preflight.check_system(system, "AMD64", 64)


@pytest.mark.parametrize(("processor", "bits"), [("riscv64", 64), ("armv7l", 32), ("x86_64", 32)])
def test_a_processor_that_nothing_is_built_for_is_refused(processor: str, bits: int) -> None:
    with pytest.raises(Refused, match=f"this Python is for {processor} and {bits} bits"):
        preflight.check_system("linux", processor, bits)


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_a_python_that_the_locks_do_not_allow_is_refused(version: tuple[int, int]) -> None:
    with pytest.raises(Refused, match=rf"needs CPython 3\.11 to 3\.14, .* is CPython {version[0]}\.{version[1]}"):
        preflight.check_python(version, "CPython", ((3, 11), (3, 15)))


def test_another_implementation_of_python_is_refused() -> None:
    with pytest.raises(Refused, match=r"is PyPy 3\.11"):
        preflight.check_python((3, 11), "PyPy", ((3, 11), (3, 15)))


def test_a_python_that_would_do_is_named_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match=r"install one and name it: `PYTHON=python3\.14`"):
        preflight.check_python((3, 9), "CPython", ((3, 11), (3, 15)))
    (tmp_path / "python3.12").symlink_to(sys.executable)
    with pytest.raises(Refused, match=r"use `PYTHON=python3\.12`, which is here"):
        preflight.check_python((3, 9), "CPython", ((3, 11), (3, 15)))


def test_the_supported_versions_are_those_of_pyproject() -> None:
    first, beyond = preflight.supported_pythons()
    assert first <= sys.version_info[:2] < beyond


@pytest.mark.parametrize("libc", ["glibc 2.27", "glibc 2.4", "another, as on Alpine"])
def test_a_c_library_that_nothing_is_built_for_is_refused(libc: str) -> None:
    with pytest.raises(Refused, match=rf"glibc 2\.28 or newer, got {libc}"):
        preflight.check_glibc(libc)


def test_glibc_from_the_oldest_on_is_taken() -> None:
    preflight.check_glibc("glibc 2.28")
    preflight.check_glibc("glibc 2.41")


def test_a_mac_without_openmp_is_told_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="`brew install libomp`"):
        preflight.check_macos("15.1", (str(tmp_path),))
    (tmp_path / "libomp.dylib").touch()
    preflight.check_macos("15.1", ("/nowhere", str(tmp_path)))


def test_an_old_macos_is_refused() -> None:
    with pytest.raises(Refused, match=r"macOS 12\.0 or newer, got 11\.7"):
        preflight.check_macos("11.7", ())


def test_a_folder_that_python_makes_no_environment_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"with ':' in its name: rename {tmp_path}/a:b"):
        preflight.check_folder(tmp_path / "a:b" / ".venv")
    preflight.check_folder(tmp_path / "a b [1] & ü$" / ".venv")


def test_a_folder_that_one_may_not_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # root may write everywhere
    with pytest.raises(Refused, match=f"you may not write to {tmp_path}: copy the checkout"):
        preflight.check_folder(tmp_path / "new" / ".venv")


def test_a_folder_that_nothing_can_be_started_from_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOEXEC))
    with pytest.raises(Refused, match=f"no program may be started from {tmp_path}"):
        preflight.check_folder(tmp_path / ".venv")


def test_too_little_memory_is_refused_with_what_is_needed() -> None:
    preflight.check_memory(4_000)
    with pytest.raises(Refused, match=r"needs 4 GB of memory, this machine or container has 2\.0 GB"):
        preflight.check_memory(2_048)


def test_memory_is_what_the_machine_has_with_its_swap_and_the_container_may_have(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:  2000000 kB\nMemFree: 1 kB\nSwapTotal:  1000000 kB\n")
    assert preflight.memory_mb(tmp_path) == 3_072
    groups = tmp_path / "sys" / "fs" / "cgroup"
    (groups / "memory").mkdir(parents=True)
    (groups / "memory.max").write_text("max\n")
    assert preflight.memory_mb(tmp_path) == 3_072
    (groups / "memory.max").write_text("1500000000\n")
    assert preflight.memory_mb(tmp_path) == 1_500
    (groups / "memory.max").unlink()
    (groups / "memory" / "memory.limit_in_bytes").write_text("2000000000\n")
    assert preflight.memory_mb(tmp_path) == 2_000


def test_where_the_system_tells_no_more_memory_is_what_is_built_in(tmp_path: Path) -> None:
    assert preflight.memory_mb(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6


def test_too_full_a_disk_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    preflight.check_disk(tmp_path / ".venv", tmp_path / "cache", lambda _: preflight.NEEDED_MB)
    with pytest.raises(Refused, match=rf"needs 2\.2 GB on the disk of {tmp_path}, which has 2\.1 GB left"):
        preflight.check_disk(tmp_path / ".venv", tmp_path / "cache", lambda _: 2_100)


def test_uvs_cache_on_another_disk_needs_room_of_its_own(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.exists() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is but one disk here")
    with pytest.raises(Refused, match=r"needs 1\.2 GB on the disk of /dev/shm"):
        preflight.check_disk(tmp_path / ".venv", other, lambda place: 100 if place == other else 10_000)


def test_the_folder_of_uvs_cache_is_the_one_that_uv_names(tmp_path: Path) -> None:
    assert str(preflight.cache_folder({"UV_CACHE_DIR": str(tmp_path)})) == str(tmp_path)
    assert preflight.cache_folder({"XDG_CACHE_HOME": ""}) == Path("~/.cache/uv").expanduser()


def test_the_environment_is_made_by_whatever_can() -> None:
    assert preflight.maker(lambda _: True, None)[1:] == ["-m", "venv"]
    assert preflight.maker(lambda module: module == "virtualenv", "/bin/uv")[1:3] == ["-m", "virtualenv"]
    assert preflight.maker(lambda module: module == "venv", "/bin/uv")[:2] == ["/bin/uv", "venv"]


def test_a_python_without_venv_names_the_package_that_has_it() -> None:
    with pytest.raises(Refused, match="`apt install python3-venv`"):
        preflight.maker(lambda module: module == "venv", None)


def test_a_path_that_python_cannot_read_in_this_locale_is_refused(tmp_path: Path) -> None:
    venv = tmp_path / "Bänk" / ".venv"
    with pytest.raises(Refused, match=r"Python 3\.11 cannot read a path like .*: `unset LC_ALL`"):
        preflight.check_locale(venv, "ANSI_X3.4-1968", (3, 11))
    preflight.check_locale(venv, "ANSI_X3.4-1968", (3, 13))
    preflight.check_locale(venv, "UTF-8", (3, 11))
    preflight.check_locale(tmp_path / ".venv", "ANSI_X3.4-1968", (3, 11))
