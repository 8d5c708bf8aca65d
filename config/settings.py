"""Where things are on this machine: settings from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.stores import DECISION_LOG, ONLINE_STORE, DecisionLogPlace, OnlineStore, SettingError
from features.engines.settings import EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Places of state and data.

    Attributes:
        home: All state (`NBO_HOME`, `.nbo` below the working folder by default).
        data: Source files of banks that name a source folder (`NBO_DATA`, `../shared/data` by default).
        tracking_uri: MLflow (`MLFLOW_TRACKING_URI`, a database below `home` by default).
        online_store: Of customers' states (`NBO_ONLINE_STORE`, SQLite below `home` by default).
        decision_log: Of decisions made one by one (`NBO_DECISION_LOG`, SQLite below `home` by default).
        engine: Where work on buckets of customers is done (`NBO_ENGINE` and what it needs; this process by default).
    """

    home: Path
    data: Path
    tracking_uri: str
    online_store: OnlineStore
    decision_log: DecisionLogPlace
    engine: EngineSettings

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; what is not set has the embedded default.

        Raises:
            SettingError: A store or a log that is not understood, or a home that no address can name.

        Example:
            >>> Settings.from_environment({"NBO_HOME": "/srv/nbo"}).tracking_uri
            'sqlite:////srv/nbo/mlflow/mlflow.db'
        """
        home = Path(environ.get("NBO_HOME") or ".nbo").expanduser().resolve()
        if "?" in str(home):
            raise SettingError(
                "the folder of all state has a question mark in its name",
                got=str(home),
                expected="a name that can be part of a database's address",
                remedy="set NBO_HOME, or rename it",
            )
        return cls(
            home=home,
            data=Path(environ.get("NBO_DATA") or "../shared/data").expanduser(),
            tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
            online_store=OnlineStore.read(environ.get(ONLINE_STORE, "")),
            decision_log=DecisionLogPlace.read(environ.get(DECISION_LOG, "")),
            engine=EngineSettings.from_environment(environ),
        )
