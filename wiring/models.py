"""The models of one bank: where they are tracked, who is champion, and loading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from features.store.replacing import replacing
from models.registry import CHAMPION, LoadedModel, ModelRegistry, RegisteredModel
from models.tracking.files import files_digest
from models.tracking.quiet import quiet_mlflow
from models.tracking.store import TrackingStore

if TYPE_CHECKING:
    from models.churn.model import ChurnModel
    from models.propensity.model import PropensityModel
    from serving.champion_files import ChampionFiles

PICTURES = "pictures"
"""Folder of a run's pictures."""


@dataclass(frozen=True)
class BankModels:
    """Champions of one bank, by `churn` and `propensity`.

    Attributes:
        store: MLflow.
        bank: Name that the registered models begin with.
    """

    store: TrackingStore
    bank: str

    @property
    def registry(self) -> ModelRegistry:
        """All registered models of the store."""
        return ModelRegistry(self.store)

    def champion(self, model: str) -> RegisteredModel | None:
        """Look up the champion; None where there is none yet."""
        return self.registry.find(f"{self.bank}-{model}", CHAMPION)

    def is_registered(self, model: str) -> bool:
        """Tell whether there is any version, be it champion or one that failed its gate."""
        with quiet_mlflow():
            return bool(self.store.client.search_model_versions(f"name = '{self.bank}-{model}'", max_results=1))

    def load_churn(self) -> LoadedModel[ChurnModel]:
        """Load the churn champion."""
        from models.churn.model import ChurnModel

        return self.registry.load(f"{self.bank}-churn", CHAMPION, ChurnModel.from_files)

    def load_propensity(self) -> LoadedModel[PropensityModel]:
        """Load the propensity champion."""
        from models.propensity.model import PropensityModel

        return self.registry.load(f"{self.bank}-propensity", CHAMPION, PropensityModel.from_files)

    def champion_files(self, models: Sequence[str], folder: Path) -> ChampionFiles:
        """Copy the champions' files to where machines without a registry read them; what is there already stays.

        Args:
            models: `churn`, `propensity`; who has no champion yet is left out.
            folder: Gets a folder for each version.

        Raises:
            ModelError: Files are missing, or not those that were logged.
        """
        from serving.champion_files import ChampionFiles

        champions = {model: found for model in models if (found := self.champion(model)) is not None}
        return ChampionFiles(
            {model: self.exported(found, folder) for model, found in champions.items()},
            {found.name: found.cited for found in champions.values()},
        )

    def exported(self, registered: RegisteredModel, folder: Path) -> Path:
        """Copy the files of a model into a folder of its own below this one, if they are not there yet; where they are.

        Raises:
            ModelError: Files are missing, or not those that were logged.
        """
        place = folder / f"{registered.name}-{registered.version}-{registered.digest[:12]}"
        if not place.is_dir() or files_digest(place) != registered.digest:
            self.registry.read(registered, lambda files: _copy(files, place))
        return place

    def save_pictures(self, run_id: str, folder: Path) -> list[str]:
        """Copy the pictures of a run into a folder; returns their names, in order."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = []
        with quiet_mlflow(), TemporaryDirectory() as fetched:
            for item in self.store.client.list_artifacts(run_id, PICTURES):
                picture = Path(self.store.client.download_artifacts(run_id, item.path, fetched))
                copyfile(picture, folder / picture.name)
                saved.append(picture.name)
        return sorted(saved)


def _copy(files: Path, place: Path) -> None:
    for file in files.rglob("*"):
        if file.is_file():
            with replacing(place / file.relative_to(files)) as beside:
                copyfile(file, beside)
