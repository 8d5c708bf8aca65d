"""A Spark cluster on this machine: processes of their own, and a Python that has just what the guide lists."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import sklearn

from domain.errors import EngineError
from features.engines.session import java_environment
from install.packages import pip_settings, uv_variables
from tests.docs.pages import ROOT
from tests.ports import HOST, free_port
from tests.waiting import until

SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java that ends soon: what it would compile well would never pay."""

_GUIDE = (ROOT / "docs" / "guides" / "cluster.md").read_text(encoding="utf-8").replace("\\\n", " ")

_LEASH = """
import os, signal, subprocess, sys, threading

def end():
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=end, daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL))
"""

Process = subprocess.Popen[bytes]


def guide(command: str) -> list[str]:
    """Words that follow a command in the guide."""
    [found] = re.findall(rf"^ +{re.escape(command)}(.*)$", _GUIDE, re.MULTILINE)
    return str(found).split()


INSTALL = guide("uv pip install --python environment/bin/python ")
PACKAGES = [word for word in INSTALL[INSTALL.index("requirements.lock") :] if not word.endswith(".lock")]
ROOMS = guide("git archive --format=zip --output nbo-code.zip HEAD ")


def install(place: Path) -> Path:
    """Make the environment as the guide says, from what was downloaded before or else from the registry; its Python."""
    uv, python = Path(sys.executable).parent / "uv", place / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
    command = [str(uv), "pip", "install", "--quiet", "--python", str(python), *INSTALL]
    environment = {**uv_variables(pip_settings()), **os.environ}
    for more in (["--offline"], []):
        done = subprocess.run([*command, *more], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return python
    said = f"the executors' environment cannot be installed here: {done.stderr.strip()}"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def pack(file: Path) -> Path:
    """Pack the code as the guide says, as it lies here."""
    with zipfile.ZipFile(file, "w") as archive:
        for room in ROOMS:
            for source in sorted((ROOT / room).rglob("*")):
                if source.is_file() and "__pycache__" not in source.parts:
                    archive.write(source, source.relative_to(ROOT))
    return file


def leashed(command: Sequence[str | Path], log: Path, environment: dict[str, str], place: Path) -> Process:
    """Start a command that ends with all that it starts, when it is let go or this process ends, however that ends."""
    leash = [sys.executable, "-I", "-S", "-c", _LEASH]
    with log.open("wb") as said:
        streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": said, "stderr": subprocess.STDOUT}
        return subprocess.Popen([*leash, *command], cwd=place, env=environment, start_new_session=True, **streams)


def all_live(processes: Sequence[Process]) -> bool:
    for process in processes:
        assert process.poll() is None, f"{process.args} ended"
    return True


@dataclass
class Cluster:
    """A master and its workers, each with one core.

    Attributes:
        folder: Of everything that they write.
        python: Of the executors.
    """

    folder: Path
    python: Path
    port: int = field(default_factory=free_port)
    workers: list[Process] = field(default_factory=list)
    _started: list[Process] = field(default_factory=list)

    @property
    def master(self) -> str:
        return f"spark://{HOST}:{self.port}"

    def start(self) -> None:
        self._run("master.Master", "--host", HOST, "--port", str(self.port), "--webui-port", "0")
        log = self.folder / "0.log"
        until(lambda: all_live(self._started) and "New state: ALIVE" in log.read_text(encoding="utf-8"))
        self.add_worker()

    def add_worker(self) -> None:
        """It works as soon as the master knows it."""
        place = ["--work-dir", str(self.folder / f"worker-{len(self.workers)}")]
        size = ["--host", HOST, "--port", "0", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
        self.workers.append(self._run("worker.Worker", *size, *place, self.master))

    def kill(self, number: int) -> None:
        """A worker with all that runs in it, as a machine that loses its power."""
        self.workers[number].communicate()

    def stop(self) -> None:
        for process in reversed(self._started):
            process.communicate()
        until(lambda: not [one for one in psutil.process_iter(["cmdline"]) if self._is_mine(one.info["cmdline"] or ())])

    def _is_mine(self, command: Sequence[str]) -> bool:
        """Executors' Pythons are in no group of ours, and end when they find out."""
        return str(self.python) in command

    def _run(self, kind: str, *words: str) -> Process:
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {
            **java(),
            "PATH": os.defpath,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": f"{SHORT_LIVED} -Djava.io.tmpdir={self.folder}",
            **openmp(self.folder / "openmp"),
        }
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *words]
        self._started.append(leashed(command, self.folder / f"{len(self._started)}.log", environment, self.folder))
        return self._started[-1]


@contextmanager
def started_cluster(folder: Path, python: Path) -> Iterator[Cluster]:
    """Start a cluster, and end it at the end."""
    cluster = Cluster(folder, python)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def java() -> dict[str, str]:
    """The Java of the lock where it is installed, whatever the machine has."""
    try:
        return java_environment({"PATH": ""})
    except EngineError as error:
        pytest.skip(str(error))


def openmp(place: Path) -> dict[str, str]:
    """Where the system has no OpenMP for LightGBM, lend the one that scikit-learn brings, under the system's name."""
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        place.mkdir(exist_ok=True)
        for library in (Path(sklearn.__file__).parents[1] / "scikit_learn.libs").glob("libgomp-*.so*"):
            (place / "libgomp.so.1").unlink(missing_ok=True)
            (place / "libgomp.so.1").symlink_to(library)
        return {"LD_LIBRARY_PATH": str(place)}
    return {}
