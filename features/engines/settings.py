"""Settings of the engine that runs work on buckets, read from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import EngineError, nearest
from features.engines.engine import Engine, LocalEngine

LOCAL = "local"
SPARK = "spark"
ENGINES = (LOCAL, SPARK)
ALL_CORES = "local[*]"
"""Spark's name for all cores of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engine and how to reach it.

    Attributes:
        name: `local` or `spark` (`NBO_ENGINE`).
        spark_master: Where Spark's tasks run (`NBO_SPARK_MASTER`): `local[*]`, `spark://host:7077`, `yarn`, ...
        spark_conf: Spark settings (`NBO_SPARK_CONF`, a JSON object); they override nbo's.
    """

    name: str = LOCAL
    spark_master: str = ALL_CORES
    spark_conf: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> EngineSettings:
        """Read the settings; unset ones have their defaults.

        Raises:
            EngineError: For an unknown engine, or a `NBO_SPARK_CONF` that is not a JSON object.

        Example:
            >>> EngineSettings.from_environment({"NBO_SPARK_CONF": '{"spark.task.cpus": 2}'}).spark_conf
            (('spark.task.cpus', '2'),)
        """
        name = environ.get("NBO_ENGINE") or LOCAL
        if name not in ENGINES:
            raise EngineError("no such engine", got=f"'{name}'", expected=nearest(name, ENGINES))
        return cls(
            name=name,
            spark_master=environ.get("NBO_SPARK_MASTER") or ALL_CORES,
            spark_conf=_conf(environ.get("NBO_SPARK_CONF") or "{}"),
        )

    def engine(self) -> Engine:
        """Create the engine without starting anything.

        Raises:
            EngineError: If Spark is requested but not installed.
        """
        if self.name == LOCAL:
            return LocalEngine()
        try:
            from features.engines.spark import SparkEngine  # noqa: PLC0415  pyspark is optional
        except ModuleNotFoundError as error:
            if error.name != "pyspark":
                raise
            raise EngineError(
                "Spark is not installed", remedy="install the extra `spark`: pip install 'pyspark==4.0.5'"
            ) from error
        return SparkEngine(self.spark_master, dict(self.spark_conf))


def _conf(text: str) -> tuple[tuple[str, str], ...]:
    try:
        conf = json.loads(text)
        # Spark expects `true`, not `True`
        return tuple((name, value if isinstance(value, str) else json.dumps(value)) for name, value in conf.items())
    except (ValueError, AttributeError) as error:
        raise EngineError(
            "Spark's settings cannot be read",
            got=text,
            expected='a JSON object such as {"spark.executor.memory": "4g"}',
            remedy="correct NBO_SPARK_CONF",
        ) from error
