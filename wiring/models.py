"""The models of one bank: tracking, champions, loading, and publishing champions as files."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from decisioning.policies.trial import Trial
from models.learners import read_model
from models.registry import CHALLENGER, CHAMPION, SHADOW, SLICE, LoadedModel, ModelRegistry, RegisteredModel
from models.tracking.files import files_digest
from models.tracking.store import TrackingStore, quiet_mlflow
from serving.champion_files import ChampionFiles
from serving.champions import PublishedModel, of_arm, read_champions, write_champions
from storage.atomic import replacing
from storage.lock import locked
from wiring.components import MODELS, Components

if TYPE_CHECKING:
    from models.churn.learner import FittedChurn
    from models.propensity.learner import FittedPropensity
    from models.propensity.rates import AcceptanceRates

PICTURES = "pictures"
"""Folder of pictures in a run."""

FORMER_DAYS = 400
"""How long files of former champions are kept at most."""


@dataclass(frozen=True)
class BankModels:
    """Models of one bank, by `churn` and `propensity`.

    Attributes:
        store: MLflow.
        bank: Prefix of the registered models' names.
        rates: Folder of the acceptance rates of a bank whose history is too short for a model.
    """

    store: TrackingStore
    bank: str
    rates: Path

    @property
    def registry(self) -> ModelRegistry:
        """All registered models of the store."""
        return ModelRegistry(self.store)

    def champion(self, model: str) -> RegisteredModel | None:
        """Return the champion; None if there is none yet."""
        return self.registry.find(f"{self.bank}-{model}", CHAMPION)

    def is_registered(self, model: str) -> bool:
        """Return whether any version is registered, whether champion or failed its gate."""
        with quiet_mlflow():
            return bool(self.store.client.search_model_versions(f"name = '{self.bank}-{model}'", max_results=1))

    def load_churn(self) -> LoadedModel[FittedChurn]:
        """Load the churn champion."""
        return self.registry.load(f"{self.bank}-churn", CHAMPION, read_model)

    def load_propensity(self) -> LoadedModel[FittedPropensity]:
        """Load the propensity champion."""
        return self.registry.load(f"{self.bank}-propensity", CHAMPION, read_model)

    def in_charge(self, model: str, folder: Path) -> PublishedModel | None:
        """Copy the files of the model in charge to where machines without a registry read them; existing files stay.

        If none of a bank's propensity models has passed its gate, acceptance rates decide: those counted when the
        latest of the models was trained, or without any model.

        Args:
            model: `churn` or `propensity`.
            folder: Folder that gets a subfolder per version.

        Returns:
            The model in charge, or None.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        champion = self.champion(model)
        if champion is not None:
            return self.published(champion, folder)
        if model != "propensity":
            return None
        refused = self.registry.find(f"{self.bank}-{model}", CHALLENGER)
        return self._rates_without_model(folder) if refused is None else self._rates_of(refused, folder)

    def beside(self, folder: Path, trials: Sequence[Trial]) -> dict[str, PublishedModel]:
        """Copy the files of the challenger in its rollout and of the arms of trials, as `in_charge` does.

        A version that a trial names and the registry does not have is left out: the champion decides for its arm.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        found: dict[str, PublishedModel] = {}
        for alias in (SHADOW, SLICE):
            registered = self.registry.find(f"{self.bank}-propensity", alias)
            if registered is not None:
                found[alias] = self.published(registered, folder)
        for trial in trials:
            for arm, version in trial.models.items():
                registered = self.registry.named(f"{self.bank}-propensity", version)
                if registered is not None:
                    found[of_arm(trial.name, arm)] = self.published(registered, folder)
        return found

    def published(self, registered: RegisteredModel, folder: Path) -> PublishedModel:
        """Copy the files of a version, unless they are there already.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        return _published(registered, registered.version, registered.digest, self.exported(registered, folder))

    def all_in_charge(self, folder: Path, trials: Sequence[Trial]) -> dict[str, PublishedModel]:
        """Return the models in charge and those beside them, with their files copied.

        Args:
            folder: Folder that gets a subfolder per version.
            trials: Trials of the bank's policy.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        found = {model: self.in_charge(model, folder) for model in MODELS}
        return {**{name: one for name, one in found.items() if one is not None}, **self.beside(folder, trials)}

    def files_with(self, propensity: RegisteredModel, folder: Path) -> ChampionFiles:
        """Return the champions with a version in place of the propensity champion, and none beside them.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        churn = self.in_charge("churn", folder)
        found = {} if churn is None else {"churn": churn}
        return ChampionFiles(folder, {**found, "propensity": self.published(propensity, folder)})

    def keep_rates(self, rates: AcceptanceRates | None) -> None:
        """Store the acceptance rates that decide while no propensity model has been trained; None removes them."""
        if rates is None:
            shutil.rmtree(self.rates, ignore_errors=True)
            return
        with TemporaryDirectory() as written:
            rates.to_files(Path(written))
            _copy(Path(written), self.rates)

    def _rates_without_model(self, folder: Path) -> PublishedModel | None:
        if not self.rates.is_dir():
            return None
        from models.propensity.rates import AcceptanceRates

        name, digest = f"{self.bank}-propensity", files_digest(self.rates)
        kind = "counted" if AcceptanceRates.from_files(self.rates).counted else "expected"
        place = folder / f"{name}-rates-{kind}-{digest[:12]}"
        if not place.is_dir():
            _copy(self.rates, place)
        return PublishedModel(name=name, version=f"rates-{kind}", digest=digest, folder=place.name)

    def _rates_of(self, refused: RegisteredModel, folder: Path) -> PublishedModel | None:
        place = folder / f"{refused.name}-rates-{refused.version}-{refused.digest[:12]}"
        if not place.is_dir():
            from models.propensity.rates import AcceptanceRates

            priors = self.registry.read(refused, read_model).priors
            if priors is None:  # from a version that did not count rates yet
                return None
            with TemporaryDirectory() as written:
                AcceptanceRates(priors).to_files(Path(written))
                _copy(Path(written), place)
        return _published(refused, f"rates-{refused.version}", files_digest(place), place)

    def exported(self, registered: RegisteredModel, folder: Path) -> Path:
        """Copy a model's files into a subfolder of its own, unless they are there already; return that folder.

        Raises:
            ModelError: Files are missing, or differ from what was logged.
        """
        place = folder / f"{registered.name}-{registered.version}-{registered.digest[:12]}"
        if not place.is_dir() or files_digest(place) != registered.digest:
            self.registry.read(registered, lambda files: _copy(files, place))
        return place

    def save_pictures(self, run_id: str, folder: Path) -> list[str]:
        """Copy the pictures of a run into a folder; return their names, sorted."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = []
        with quiet_mlflow(), TemporaryDirectory() as fetched:
            for item in self.store.client.list_artifacts(run_id, PICTURES):
                picture = Path(self.store.client.download_artifacts(run_id, item.path, fetched))
                copyfile(picture, folder / picture.name)
                saved.append(picture.name)
        return sorted(saved)

    def keep_report(self, run_ids: Sequence[str], report: Path) -> None:
        """Attach a report to the training runs of the models that it shows."""
        with quiet_mlflow():
            for run_id in run_ids:
                self.store.client.log_artifact(run_id, str(report))


def _published(registered: RegisteredModel, version: str, digest: str, place: Path) -> PublishedModel:
    return PublishedModel(name=registered.name, version=version, digest=digest, folder=place.name)


def _copy(files: Path, place: Path) -> None:
    for file in files.rglob("*"):
        if file.is_file():
            with replacing(place / file.relative_to(files)) as beside:
                copyfile(file, beside)


def publish_champions(components: Components) -> bool:
    """Fetch new champions and write the manifest; return whether it changed.

    Removing the alias from a champion withdraws it. But if the registry does not know the model at all, as when it is
    new and empty, the previous champion stays. Files of former champions are kept as long as the records of decisions,
    whose reasons are worded from them, and at most `FORMER_DAYS`.

    Raises:
        ModelError: A champion's files are missing or differ from what was registered; the champions stay as they are.
        StateError: The files cannot be written.
    """
    folder = components.places.champions
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock"):  # each replica runs a process that does this
        return _republished(components, folder)


def _republished(components: Components, folder: Path) -> bool:
    published = read_champions(folder)
    before, found = published or {}, components.models.all_in_charge(folder, components.bank.policy.trials)
    for model in MODELS:
        if model not in found and model in before and not components.models.is_registered(model):
            found[model] = before[model]
    if published == found:
        return False
    write_champions(folder, found)
    current = {champion.folder for champion in found.values()}
    for champion in before.values():
        if champion.folder not in current and (folder / champion.folder).is_dir():
            os.utime(folder / champion.folder)  # its time as a former champion begins
    retention = components.bank.retention
    kept = timedelta(days=min(retention.explanations_days or FORMER_DAYS, retention.decisions_days or FORMER_DAYS))
    for old in folder.iterdir():
        outlived = time.time() - old.stat().st_mtime > kept.total_seconds()
        if old.is_dir() and old.name not in current and outlived:
            shutil.rmtree(old, ignore_errors=True)
    return True
