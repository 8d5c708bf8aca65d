from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import threadpoolctl

from install.packages import forget_halves, install, pip_settings, uv_variables
from install.preflight import Refused


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """One package as it was installed here."""
    installed = Path(threadpoolctl.__file__).parent
    metadata = next(installed.glob("threadpoolctl-*.dist-info"))
    shutil.copytree(metadata, tmp_path / metadata.name)
    shutil.copy(threadpoolctl.__file__, tmp_path)
    return tmp_path


def metadata_of(packages: Path) -> Path:
    return next(packages.glob("*.dist-info"))


def test_what_is_whole_is_not_installed_again(packages: Path) -> None:
    assert forget_halves(packages) == []
    assert metadata_of(packages).exists()


@pytest.mark.parametrize("broken", ["file gone", "file cut off", "no list", "list as in the wheel"])
def test_what_was_installed_by_half_is_forgotten(packages: Path, broken: str) -> None:
    module, record = packages / "threadpoolctl.py", metadata_of(packages) / "RECORD"
    if broken == "file gone":
        module.unlink()
    elif broken == "file cut off":
        module.write_bytes(module.read_bytes()[:100])
    elif broken == "no list":
        record.unlink()
    else:
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if "INSTALLER" not in line))
    name = metadata_of(packages).name
    assert forget_halves(packages) == [name]
    assert not (packages / name).exists()


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with uv, and a folder of wheels instead of the network."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / ".stamps").mkdir()
    (folder / "bin" / "uv").symlink_to(Path(sys.prefix, "bin", "uv"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    return folder


@pytest.fixture
def lock(tmp_path: Path) -> str:
    wheel = tmp_path / "wheels" / "small-1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small.py", "value = 1\n")
        archive.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1\n")
        archive.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small-1.dist-info/RECORD", "small.py,,\n")
    file = tmp_path / "requirements.lock"
    file.write_text(f"small==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return str(file)


def test_an_installation_that_was_broken_off_goes_on(venv: Path, lock: str) -> None:
    install(lock, venv)
    module = next(venv.glob("lib/python3.*/site-packages/small.py"))
    module.unlink()
    install(lock, venv)
    assert not module.exists(), "uv has learnt to look: forget_halves is not needed any more"
    (venv / ".stamps" / "installing").touch()
    install(lock, venv)
    assert module.read_text() == "value = 1\n"
    assert not (venv / ".stamps" / "installing").exists()


def test_a_failure_says_how_to_go_on_and_is_remembered(venv: Path, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(venv))
    with pytest.raises(Refused, match="HTTPS_PROXY names a proxy, pip's index-url a mirror of PyPI"):
        install(lock, venv)
    assert (venv / ".stamps" / "installing").exists()


def test_uv_takes_packages_from_where_pip_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://pypi.bank.example/it's/simple\nproxy = http://one.bank.example\ntimeout = 60\n"
        "[install]\nproxy = http://two.bank.example\n[list]\nproxy = http://three.bank.example\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_CERT", "/etc/bank.pem")
    assert (
        uv_variables(pip_settings()).items()
        >= {
            "UV_DEFAULT_INDEX": "https://pypi.bank.example/it's/simple",
            "ALL_PROXY": "http://two.bank.example",
            "SSL_CERT_FILE": "/etc/bank.pem",
        }.items()
    )
