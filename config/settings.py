"""Where state, data and stores are on this machine: settings from the environment."""

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
    """Locations of state and data.

    Attributes:
        home: Folder of all state (`NBO_HOME`, by default `.nbo` below the working folder).
        data: Folder of the source files of banks with a source folder (`NBO_DATA`, by default `../shared/data`).
        tracking_uri: MLflow (`MLFLOW_TRACKING_URI`, by default a database below `home`).
        online_store: Store of customers' states (`NBO_ONLINE_STORE`, by default SQLite below `home`).
        decision_log: Database of single decisions (`NBO_DECISION_LOG`, by default SQLite below `home`).
        engine: Where work on buckets of customers runs (`NBO_ENGINE` and its settings, by default this process).
        umask: Permissions denied on files and folders of state (`NBO_UMASK`, octal, by default `077`: only the owner
            has access).
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
        """Read the settings; unset ones get the embedded default.

        Raises:
            SettingError: A store or log cannot be parsed, or the home cannot be part of an address.

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
            f"{UMASK} makes no sense",
            got=f"'{text}'",
            expected="octal digits that leave the owner all rights, such as 077 or 027",
        )
    return int(digits, 8)


def _home(text: str) -> Path:
    home = Path(text).expanduser().resolve()
    named = str(home).encode(errors="replace").decode()
    wrong = "a question mark" if "?" in str(home) else "bytes that are not UTF-8" if named != str(home) else None
    if wrong is not None:
        raise SettingError(
            f"the folder of all state has {wrong} in its name",
            got=named,
            expected="a name that can be part of a database's address",
            remedy="set NBO_HOME, or rename it",
        )
    return home
