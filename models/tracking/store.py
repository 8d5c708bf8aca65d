"""The tracking store: MLflow's runs and models, by address."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlparse

from domain.encoding import expect_utf8
from domain.errors import StateError
from domain.sqlite_files import expect_sound
from models.tracking.database import database_file
from models.tracking.relocation import follow_folder
from storage.lock import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Keep MLflow's notices and progress bars off the terminal, which belongs to the flow; warnings stay.

    MLflow resets its logger's level on import, so this wraps calls instead.
    """
    logger = logging.getLogger("mlflow")
    level, bar = logger.level, os.environ.get(_PROGRESS_BAR)
    logger.setLevel(logging.WARNING)
    os.environ[_PROGRESS_BAR] = "false"
    try:
        with warnings.catch_warnings():
            # a warning about one of MLflow's own classes, on first import
            warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
            # MLflow writes files with a function that Python 3.14 deprecates
            warnings.filterwarnings("ignore", message=r"codecs\.open\(\) is deprecated", category=DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
        if bar is None:
            os.environ.pop(_PROGRESS_BAR, None)
        else:
            os.environ[_PROGRESS_BAR] = bar


_RESTORE: Final = (
    "see that MLFLOW_TRACKING_URI names the right one, restore it from a backup, "
    "or move its folder away to begin without runs and models"
)


@dataclass(frozen=True)
class TrackingStore:
    """An MLflow tracking store and registry; sets nothing global, so that several can be used at once.

    Attributes:
        uri: `sqlite:///...` or a server's address.
        artifacts: Folder for the files of new experiments beside a database; None leaves it to the server.
    """

    uri: str
    artifacts: Path | None = None

    @cached_property
    def client(self) -> MlflowClient:
        """The MLflow client; the first one on a new SQLite file creates the tables, which takes some seconds.

        Raises:
            StateError: If the store cannot be opened, or its database encoding is not UTF8.
        """
        file = database_file(self.uri)
        if file is None:
            return self._opened()
        file.parent.mkdir(parents=True, exist_ok=True)
        # two processes must not create the tables at once
        with locked(file.with_name(f"{file.name}.opening.lock")):
            self.expect_runs()
            return self._opened()

    def _opened(self) -> MlflowClient:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if urlparse(self.uri).scheme.startswith("postgresql"):
                _expect_utf8(self.uri)
            with quiet_mlflow():
                client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
                client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise StateError(
                "the tracking store cannot be opened",
                got=f"{urlparse(self.uri).scheme} address, {type(error).__name__}",
                expected="an MLflow database or server",
                remedy="check MLFLOW_TRACKING_URI; after an update of MLflow run `mlflow db upgrade`",
            ) from error
        return client

    def expect_runs(self) -> None:
        """Reject a database file that is damaged, or missing although its models exist: MLflow would create a new one.

        A file that was moved with its models gets their present addresses.

        Raises:
            StateError: The file is one of these.
        """
        file = database_file(self.uri)
        if file is None:
            return
        _ = self._sound
        empty = not file.exists() or not file.stat().st_size
        if empty and self.artifacts is not None and any(self.artifacts.glob("*/*")):
            raise StateError(
                f"the tracking store {file} is gone",
                got="no file" if not file.exists() else "an empty file",
                expected=f"the runs and models whose files are in {self.artifacts}",
                remedy=_RESTORE,
            )

    @cached_property
    def _sound(self) -> bool:
        file = database_file(self.uri)
        if file is not None:
            expect_sound(file, _RESTORE)
            if self.artifacts is not None and file.exists():
                follow_folder(file, self.artifacts)
        return True

    def experiment_id(self, name: str) -> str:
        """Return the id of the experiment of this name; create it if missing."""
        from mlflow.exceptions import MlflowException

        with quiet_mlflow():
            found = self.client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            location = None if self.artifacts is None else (self.artifacts.resolve() / name).as_uri()
            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException:  # another process was faster
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
                return str(found.experiment_id)


def _expect_utf8(uri: str) -> None:
    from sqlalchemy import create_engine, event

    engine = create_engine(uri)
    # before the library asks for the version, which it cannot read in every encoding
    event.listen(engine, "connect", lambda connection, _: expect_utf8(connection, "MLFLOW_TRACKING_URI"), insert=True)
    engine.connect().close()
    engine.dispose()
