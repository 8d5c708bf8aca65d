"""The model registry: aliases in MLflow, moved by the gate and by rollouts, with who moved them and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import ModelError
from models.tracking.files import FILES_FOLDER, PREDICTIONS_FILE, files_digest
from models.tracking.store import TrackingStore, quiet_mlflow
from models.tracking.versions import ModelVersion, find_version

if TYPE_CHECKING:  # looking up a champion should import neither LightGBM nor MLflow
    from models.tracking.runs import LoggedRun

Alias = Literal["champion", "challenger", "shadow", "slice", "former"]
CHAMPION: Alias = "champion"
CHALLENGER: Alias = "challenger"
SHADOW: Alias = "shadow"
"""Scored with every decision, beside the champion."""
SLICE: Alias = "slice"
"""Decides for a slice of the customers."""
FORMER: Alias = "former"
"""The champion before the one in charge: what `nbo rollout back` returns to."""
RESERVED: Final = (CHAMPION, CHALLENGER, SHADOW, SLICE, FORMER)

_DIGEST_TAG = "files_digest"
_DATA_LAST_TAG = "data_last"
_GATE_TAG, _PASSED = "gate", "passed"
_MOVED = "moved/"
"""Prefix of the tags of a version that say when its aliases were moved, and by whom and why."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An alias that was given to a version, or taken from it.

    Attributes:
        at: When.
        alias: Name of the alias.
        by: Who did it.
        why: The reason.
        given: Whether it was given; else it was taken away.
    """

    at: datetime
    alias: Alias
    by: str
    why: str
    given: bool = True

    @property
    def sentence(self) -> str:
        """The move in words, as tags of the version have it."""
        return f"{self.alias} {'given' if self.given else 'taken away'} by {self.by}: {self.why}"


@dataclass(frozen=True, slots=True)
class LoadedModel(Generic[M]):
    """A loaded model with its registered version."""

    model: M
    registered: RegisteredModel


@dataclass(frozen=True)
class ModelRegistry:
    """The registered models of all banks in one store, as `<bank>-churn` and `<bank>-propensity`."""

    store: TrackingStore

    def register(self, run: LoggedRun, *, waits: bool = False) -> RegisteredModel:
        """Register a run's model as the next version: champion if it passed the gate, else challenger.

        Args:
            run: The run.
            waits: Whether a model that passed stays challenger as long as there is a champion, until its rollout.

        The model of an experiment gets the experiment's name as its alias instead, and is never put in charge.

        A challenger that lost against the champion keeps the alias `challenger` until the next one is registered; the
        alias is removed when a challenger becomes champion.
        """
        from mlflow.exceptions import MlflowException

        client = self.store.client
        with quiet_mlflow():
            with suppress(MlflowException):  # exists already; any other error occurs again in the next call
                client.create_registered_model(run.name)
            tags = {
                _DIGEST_TAG: run.digest,
                _DATA_LAST_TAG: run.data_last.isoformat(),
                _GATE_TAG: _PASSED if run.gate_passed else "failed",
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
        registered = _registered(ModelVersion.of(version))
        if run.gate_passed and run.experiment is None and not (waits and self.find(run.name, CHAMPION)):
            self.promote(registered)
        return registered

    def promote(
        self,
        registered: RegisteredModel,
        *,
        by: str = "training",
        why: str = "passed its gate",
        at: datetime | None = None,
    ) -> None:
        """Make a version the champion; a single call moves the alias, so that readers always find one.

        The champion before it becomes `former`, and the version loses its other aliases.

        Args:
            registered: The version.
            by: Who does it.
            why: The reason.
            at: Aware moment; now by default.
        """
        at = at or datetime.now(UTC)
        before = self.find(registered.name, CHAMPION)
        if before is not None and before.version != registered.version:
            self.give(before, Move(at=at, alias=FORMER, by=by, why=f"version {registered.version} is in charge"))
        self.give(registered, Move(at=at, alias=CHAMPION, by=by, why=why))
        for alias in (CHALLENGER, SHADOW, SLICE, FORMER):
            held = self.find(registered.name, alias)
            if held is not None and held.version == registered.version:
                self.take(held, Move(at=at, alias=alias, by=by, why="it is the champion now", given=False))

    def give(self, registered: RegisteredModel, move: Move) -> None:
        """Give an alias to a version, and keep who did it and why in its tags."""
        with quiet_mlflow():
            self.store.client.set_registered_model_alias(registered.name, move.alias, registered.version)
        self.note(registered, move)

    def take(self, registered: RegisteredModel, move: Move) -> None:
        """Take an alias away from the version that holds it, and keep who did it and why in its tags."""
        with quiet_mlflow():
            self.store.client.delete_registered_model_alias(registered.name, move.alias)
        self.note(registered, move)

    def moves(self, registered: RegisteredModel) -> list[Move]:
        """Return the moves of a version's aliases, earliest first."""
        with quiet_mlflow():
            tags = self.store.client.get_model_version(registered.name, registered.version).tags
        return [_move(tags[key]) for key in sorted(tags) if key.startswith(_MOVED)]

    def has_passed(self, registered: RegisteredModel) -> bool:
        """Return whether a version has passed its gate."""
        with quiet_mlflow():
            version = self.store.client.get_model_version(registered.name, registered.version)
        return bool(version.tags.get(_GATE_TAG) == _PASSED)

    def note(self, registered: RegisteredModel, move: Move) -> None:
        """Keep in the tags of a version that an alias was moved."""
        key = f"{_MOVED}{move.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} {move.alias}"
        content = {**asdict(move), "at": move.at.isoformat(), "sentence": move.sentence}
        with quiet_mlflow():
            self.store.client.set_model_version_tag(registered.name, registered.version, key, json.dumps(content))

    def find(self, name: str, alias: Alias) -> RegisteredModel | None:
        """Return the version that holds an alias; None if there is none."""
        return self.named(name, alias)

    def named(self, name: str, text: str) -> RegisteredModel | None:
        """Return a version by its number, or by one of its aliases, those of experiments included; None without one."""
        version = find_version(self.store, name, text)
        return None if version is None else _registered(version)

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
        from mlflow.exceptions import MlflowException

        client = self.store.client
        try:
            with quiet_mlflow(), TemporaryDirectory() as folder:
                return pq.read_table(client.download_artifacts(run_id, PREDICTIONS_FILE, folder))
        except (MlflowException, OSError):
            return None

    def _fetch(self, source: str, folder: str) -> Path:
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        try:
            fetched = mlflow.artifacts.download_artifacts(
                artifact_uri=source, dst_path=folder, tracking_uri=self.store.uri, registry_uri=self.store.uri
            )
        except (MlflowException, OSError) as error:
            raise ModelError(
                "a model's files cannot be fetched", got=type(error).__name__, remedy="check the artefact store"
            ) from error
        return Path(fetched)


def _move(tag: str) -> Move:
    content = json.loads(tag)
    del content["sentence"]
    return Move(**{**content, "at": datetime.fromisoformat(content["at"])})


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
