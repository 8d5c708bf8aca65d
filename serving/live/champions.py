"""The champions as files: what a registry has, laid down where services find it without asking the registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.errors import ModelError, StateError
from events.durable import replace_text
from models.churn.model import ChurnModel
from models.propensity.model import PropensityModel
from models.tracking.files import files_digest

MANIFEST: Final = "champions.json"
Model = TypeVar("Model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """One model in charge.

    Attributes:
        name: In the registry, as `demo-churn`.
        digest: Of its files.
        folder: Of its files, below that of the manifest.
    """

    name: str
    version: str
    digest: str
    folder: str

    @property
    def cited(self) -> str:
        """As decisions cite it."""
        return f"{self.version}:{self.digest[:12]}"


Champions = Mapping[str, Champion]
"""By `churn` and `propensity`; a model that has no champion is not there."""


def write_champions(folder: Path, champions: Champions) -> None:
    """Say who is in charge, in one step."""
    replace_text(folder / MANIFEST, json.dumps({name: asdict(champion) for name, champion in champions.items()}))


def read_champions(folder: Path) -> Champions | None:
    """Read who is in charge; None where nobody has said it yet.

    Raises:
        StateError: The manifest is damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {name: Champion(**champion) for name, champion in content.items()}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            "the list of champions is damaged", got=str(error), remedy=f"remove {MANIFEST}; it is written again"
        ) from error


def load_churn(folder: Path, champions: Champions) -> ChurnModel | None:
    """Read the churn champion; None where there is none.

    Raises:
        ModelError: Its files are missing, or not those that were registered.
    """
    return _load(folder, champions.get("churn"), ChurnModel.from_files)


def load_propensity(folder: Path, champions: Champions) -> PropensityModel | None:
    """Read the propensity champion; None where there is none.

    Raises:
        ModelError: Its files are missing, or not those that were registered.
    """
    return _load(folder, champions.get("propensity"), PropensityModel.from_files)


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
