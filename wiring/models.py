"""The models of one bank: where they are tracked, who is champion, and loading them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from models.churn.model import ChurnModel
from models.propensity.model import PropensityModel
from models.registry import CHAMPION, LoadedModel, ModelRegistry, RegisteredModel
from models.tracking.quiet import quiet_mlflow
from models.tracking.store import TrackingStore

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
        return self.registry.load(f"{self.bank}-churn", CHAMPION, ChurnModel.from_files)

    def load_propensity(self) -> LoadedModel[PropensityModel]:
        """Load the propensity champion."""
        return self.registry.load(f"{self.bank}-propensity", CHAMPION, PropensityModel.from_files)

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
