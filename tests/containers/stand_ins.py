"""Stand-ins for the images python, postgres, redis and haproxy, for a machine that reaches no registry of images.

They are made of Debian's packages, so that versions are Debian's: Python 3.13 stands in for 3.12. What is tried with
them is deploy/ and nbo, not the images that others make.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from tests.containers.engine import Engine, MissingError

SUITE = "trixie"
BASE = "nbo-stand-in-base"
FOLDER = Path(__file__).parent / "stand_ins"
IMAGES = {"python": "python:3.12-slim", "postgres": "postgres:17", "redis": "redis:7", "haproxy": "haproxy:3.0"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
OF_PIP = (Path("/etc/pip.conf"), Path("~/.config/pip/pip.conf"))
"""Where this machine says from where packages come; the images are told the same."""


def make_stand_ins(engine: Engine, folder: Path) -> list[str]:
    """Make those that are missing.

    Args:
        engine: Knows the images from then on.
        folder: For the files on the way.

    Returns:
        The images that were made.

    Raises:
        MissingError: This is no machine to make them on.
    """
    missing = {stage: image for stage, image in IMAGES.items() if not engine.succeeds(f"docker image inspect {image}")}
    if missing and not engine.succeeds(f"docker image inspect {BASE}"):
        _make_base(engine, folder / "root")
    for stage, image in missing.items():
        words = ["build", "--network", "host", "--build-arg", f"BASE={BASE}", "--target", stage, "--tag", image]
        engine.shell(f"docker {shlex.join([*words, str(FOLDER)])}")
    return list(missing.values())


def _make_base(engine: Engine, root: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise MissingError(
            "images can be made of packages by root, on Debian, with debootstrap (`apt install debootstrap`)"
        )
    words = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root), _mirror()]
    engine.shell(shlex.join(words))
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for file in OF_PIP:
        if file.expanduser().exists():
            place = root / str(file).replace("~", "root").lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.expanduser(), place)
    kept = "--exclude='./proc/*' --exclude='./dev/*' --exclude='./var/cache/apt/archives/*.deb'"
    told = f"--change 'ENV SSL_CERT_FILE={CERTIFICATES}'"
    engine.shell(f"tar -C {shlex.quote(str(root))} {kept} -c . | docker import {told} - {BASE}")
    shutil.rmtree(root)


def _mirror() -> str:
    """From where this machine has its packages."""
    lists = [*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in lists if file.exists())
    found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+/debian/?)(?:\s|$)", text, re.MULTILINE)
    if found is None:
        raise MissingError("images are made of Debian's packages, and no source of them is in /etc/apt")
    return found[1]
