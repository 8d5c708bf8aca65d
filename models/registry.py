"""The model registry: champion and challenger aliases in MLflow, moved only through the gate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import mlflow.artifacts
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from domain.errors import ModelError
from models.tracking.files import FILES_FOLDER, PREDICTIONS_FILE, files_digest
from models.tracking.store import TrackingStore, quiet_mlflow

if TYPE_CHECKING:  # looking up a champion should not import LightGBM
    from models.tracking.runs import LoggedRun

Alias = Literal["champion", "challenger"]
CHAMPION: Alias = "champion"
CHALLENGER: Alias = "challenger"

_DIGEST_TAG = "files_digest"
_DATA_LAST_TAG = "data_last"

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A model version in the registry.

    Attributes:
        digest: Digest of its files; decisions cite it.
        data_last: End of its training data; rows with a later `as_of` are new to it.
        source: Address of its files.
    """

    name: str
    version: str
    run_id: str
    digest: str
    data_last: datetime
    source: str

    @property
    def cited(self) -> str:
        """Version and digest, as decisions cite them."""
        return f"{self.version}:{self.digest[:12]}"


@dataclass(frozen=True, slots=True)
class LoadedModel(Generic[M]):
    """A loaded model with its registered version."""

    model: M
    registered: RegisteredModel


@dataclass(frozen=True)
class ModelRegistry:
    """The registered models of all banks in one store, as `<bank>-churn` and `<bank>-propensity`."""

    store: TrackingStore

    def register(self, run: LoggedRun) -> RegisteredModel:
        """Register a run's model as the next version: champion if it passed the gate, else challenger.

        The model of an experiment gets the experiment's name as its alias instead, and is never put in charge.

        A challenger that lost against the champion keeps the alias `challenger` until the next one is registered; the
        alias is removed when a challenger becomes champion.
        """
        client = self.store.client
        with quiet_mlflow():
            with suppress(MlflowException):  # exists already; any other error occurs again in the next call
                client.create_registered_model(run.name)
            tags = {
                _DIGEST_TAG: run.digest,
                _DATA_LAST_TAG: run.data_last.isoformat(),
                "gate": "passed" if run.gate_passed else "failed",
            }
            version = client.create_model_version(
                run.name,
                source=run.source,
                run_id=run.run_id,
                model_id=run.model_id,
                tags=tags,
                description=run.description,
            )
            client.set_registered_model_alias(run.name, run.experiment or CHALLENGER, version.version)
        registered = _registered(version)
        if run.gate_passed and run.experiment is None:
            self.promote(registered)
        return registered

    def promote(self, registered: RegisteredModel) -> None:
        """Make a version the champion; a single call moves the alias, so that readers always find one."""
        client = self.store.client
        with quiet_mlflow():
            client.set_registered_model_alias(registered.name, CHAMPION, registered.version)
            challenger = self.find(registered.name, CHALLENGER)
            if challenger is not None and challenger.version == registered.version:
                client.delete_registered_model_alias(registered.name, CHALLENGER)

    def find(self, name: str, alias: Alias) -> RegisteredModel | None:
        """Return the version that holds an alias; None if there is none."""
        try:
            with quiet_mlflow():
                return _registered(self.store.client.get_model_version_by_alias(name, alias))
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def load(self, name: str, alias: Alias, read: Callable[[Path], M]) -> LoadedModel[M]:
        """Load the model that holds an alias, after checking that its files are those that were logged.

        Args:
            name: `<bank>-churn` or `<bank>-propensity`.
            alias: `champion` or `challenger`.
            read: `ChurnModel.from_files` or `PropensityModel.from_files`.

        Raises:
            ModelError: If no version holds the alias, or its files are missing or changed.
        """
        registered = self.find(name, alias)
        if registered is None:
            raise ModelError(f"there is no {alias} of {name}", remedy="train it, and look at its gate if it was")
        return LoadedModel(self.read(registered, read), registered)

    def read(self, registered: RegisteredModel, read: Callable[[Path], M]) -> M:
        """Load a version, after checking that its files are those that were logged.

        Args:
            registered: Version from `find`.
            read: Function of the folder with the model's own files, which is deleted afterwards.

        Raises:
            ModelError: If its files are missing or changed.
        """
        with quiet_mlflow(), TemporaryDirectory() as folder:
            files = self._fetch(registered.source, folder) / FILES_FOLDER
            digest = files_digest(files)
            if digest != registered.digest:
                raise ModelError(
                    f"the files of {registered.name} version {registered.version} are not those that were logged",
                    got=digest[:12],
                    expected=registered.digest[:12],
                    remedy="train again, or restore the artefacts of the tracking store",
                )
            return read(files)

    def recorded_predictions(self, registered: RegisteredModel) -> pa.Table | None:
        """Return the held-out predictions stored with a version's run, for `recorded_scores`; None if missing."""
        return self.recorded_of_run(registered.run_id)

    def recorded_of_run(self, run_id: str) -> pa.Table | None:
        """Return the held-out predictions stored with a run; None if missing."""
        client = self.store.client
        try:
            with quiet_mlflow(), TemporaryDirectory() as folder:
                return pq.read_table(client.download_artifacts(run_id, PREDICTIONS_FILE, folder))
        except (MlflowException, OSError):
            return None

    def _fetch(self, source: str, folder: str) -> Path:
        try:
            fetched = mlflow.artifacts.download_artifacts(
                artifact_uri=source, dst_path=folder, tracking_uri=self.store.uri, registry_uri=self.store.uri
            )
        except (MlflowException, OSError) as error:
            raise ModelError(
                "a model's files cannot be fetched", got=type(error).__name__, remedy="check the artefact store"
            ) from error
        return Path(fetched)


def _registered(version: ModelVersion) -> RegisteredModel:
    missing = {_DIGEST_TAG, _DATA_LAST_TAG} - set(version.tags)
    if missing:
        raise ModelError(
            f"version {version.version} of {version.name} was not registered by nbo",
            got=f"no tag {', '.join(sorted(missing))}",
            remedy="move its aliases to a version that was",
        )
    return RegisteredModel(
        name=version.name,
        version=str(version.version),
        run_id=str(version.run_id),
        digest=version.tags[_DIGEST_TAG],
        data_last=datetime.fromisoformat(version.tags[_DATA_LAST_TAG]),
        source=str(version.source),
    )
