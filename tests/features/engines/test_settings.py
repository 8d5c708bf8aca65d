"""Choice of the engine, and errors when it is not available."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from domain.errors import EngineError
from features.engines import session as java_runtime
from features.engines.engine import LocalEngine
from features.engines.session import java_environment
from features.engines.settings import EngineSettings
from features.engines.spark import SparkEngine


def test_without_settings_the_work_is_done_here() -> None:
    assert isinstance(EngineSettings.from_environment({}).engine(), LocalEngine)


def test_spark_is_reached_as_the_environment_says() -> None:
    settings = EngineSettings.from_environment(
        {"NBO_ENGINE": "spark", "NBO_SPARK_MASTER": "local[2]", "NBO_SPARK_CONF": '{"spark.ui.enabled": true}'}
    )
    assert settings.spark_master == "local[2]"
    assert settings.spark_conf == (("spark.ui.enabled", "true"),)
    assert isinstance(settings.engine(), SparkEngine)


def test_an_unknown_engine_is_reported_with_the_nearest_name() -> None:
    with pytest.raises(EngineError, match="got 'sprak', expected 'spark'"):
        EngineSettings.from_environment({"NBO_ENGINE": "sprak"})


@pytest.mark.parametrize("conf", ["spark.ui.enabled=true", "[1]", "3"])
def test_settings_of_spark_are_a_json_object(conf: str) -> None:
    with pytest.raises(EngineError, match="correct NBO_SPARK_CONF"):
        EngineSettings.from_environment({"NBO_SPARK_CONF": conf})


def test_missing_spark_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    monkeypatch.delitem(__import__("sys").modules, "features.engines.spark")
    monkeypatch.delitem(__import__("sys").modules, "features.engines.session")
    with pytest.raises(EngineError, match="install the extra `spark`"):
        EngineSettings(name="spark").engine()


def test_an_unreachable_master_is_reported_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so that nobody else listens on it, but not listening
        master = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineError, match="does not answer"), SparkEngine(master, {}).workers():
            raise AssertionError("there is no such master")


def test_a_java_home_goes_first(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    assert java_environment({"JAVA_HOME": str(tmp_path), "PATH": ""}) == {}


def test_a_java_home_without_java_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="JAVA_HOME has no Java"):
        java_environment({"JAVA_HOME": str(tmp_path)})


def test_a_java_on_the_path_needs_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "java").touch(mode=0o755)
    assert java_environment({"PATH": str(tmp_path)}) == {}


def test_the_java_of_pypi_runs_in_spite_of_the_flag_that_spark_gives_it() -> None:
    needed = java_environment({"PATH": ""})
    done = subprocess.run(
        [f"{needed['JAVA_HOME']}/bin/java", "--add-modules=jdk.incubator.vector", "-version"],
        env=needed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'version "21' in done.stderr


def test_missing_java_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_runtime, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"Spark needs Java: got none, expected 17 or 21; set JAVA_HOME"):
        java_environment({"PATH": ""})
