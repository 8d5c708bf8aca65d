"""Loading champion models: their files are read only if they match what was registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from domain.errors import ModelError
from models.churn.model import ChurnModel
from models.files import kind_of
from models.propensity.model import PropensityModel
from models.propensity.rates import KIND as RATES
from models.propensity.rates import AcceptanceRates
from models.tracking.files import files_digest
from serving.service.champions import Champion, Champions

Model = TypeVar("Model")


def load_churn(folder: Path, champions: Champions) -> ChurnModel | None:
    """Read the churn champion; return None if there is none.

    Raises:
        ModelError: Its files are missing or differ from what was registered.
    """
    return _load(folder, champions.get("churn"), ChurnModel.from_files)


def load_propensity(folder: Path, champions: Champions) -> PropensityModel | AcceptanceRates | None:
    """Read the propensity champion, or the acceptance rates that replace it; return None if there is neither.

    Raises:
        ModelError: Its files are missing or differ from what was registered.
    """
    return _load(folder, champions.get("propensity"), _propensity_from_files)


def _propensity_from_files(files: Path) -> PropensityModel | AcceptanceRates:
    read = AcceptanceRates.from_files if kind_of(files) == RATES else PropensityModel.from_files
    return read(files)


def _load(folder: Path, champion: Champion | None, read: Callable[[Path], Model]) -> Model | None:
    if champion is None:
        return None
    files = folder / champion.folder
    try:
        digest = files_digest(files)
    except OSError as error:
        raise ModelError(
            f"the files of {champion.name} are missing", got=str(error.strerror), remedy="they are fetched again"
        ) from error
    if digest != champion.digest:
        raise ModelError(
            f"the files of {champion.name} are not those that were registered",
            got=digest[:12],
            expected=champion.digest[:12],
            remedy=f"remove the folder {champion.folder}; it is fetched again",
        )
    return read(files)
