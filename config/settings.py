"""Where things are on this machine: settings from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.stores import DECISION_LOG, ONLINE_STORE, DecisionLogPlace, OnlineStore, SettingError
from features.engines.settings import EngineSettings

UMASK: Final = "NBO_UMASK"
OWNER_ALONE: Final = 0o077
_OWNER: Final = 0o700


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
        umask: What files and folders of state deny (`NBO_UMASK`, octal; `077` by default: all but their owner).
    """

    home: Path
    data: Path
    tracking_uri: str
    online_store: OnlineStore
    decision_log: DecisionLogPlace
    engine: EngineSettings
    umask: int = OWNER_ALONE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; what is not set has the embedded default.

        Raises:
            SettingError: A store or a log that is not understood, or a home that no address can name.

        Example:
            >>> Settings.from_environment({"NBO_HOME": "/srv/nbo"}).tracking_uri
            'sqlite:////srv/nbo/mlflow/mlflow.db'
        """
        home = _home(environ.get("NBO_HOME") or ".nbo")
        return cls(
            home=home,
            data=Path(environ.get("NBO_DATA") or "../shared/data").expanduser(),
            tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
            online_store=OnlineStore.read(environ.get(ONLINE_STORE, "")),
            decision_log=DecisionLogPlace.read(environ.get(DECISION_LOG, "")),
            engine=EngineSettings.from_environment(environ),
            umask=_umask(environ.get(UMASK) or f"{OWNER_ALONE:03o}"),
        )


def _umask(text: str) -> int:
    digits = text.removeprefix("0o")
    if not re.fullmatch("0*[0-7]{1,3}", digits) or int(digits, 8) & _OWNER:
        raise SettingError(
            f"{UMASK} makes no sense", got=f"'{text}'", expected="octal digits that deny the owner nothing: 077, or 027"
        )
    return int(digits, 8)


def _home(text: str) -> Path:
    home = Path(text).expanduser().resolve()
    named = str(home).encode(errors="replace").decode()
    wrong = "a question mark" if "?" in str(home) else "bytes that are no UTF-8" if named != str(home) else None
    if wrong is not None:
        raise SettingError(
            f"the folder of all state has {wrong} in its name",
            got=named,
            expected="a name that can be part of a database's address",
            remedy="set NBO_HOME, or rename it",
        )
    return home
