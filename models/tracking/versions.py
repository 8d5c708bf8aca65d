"""Versions of registered models, by number or alias."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.tracking.database import database_file, reading

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as Found

    from models.tracking.store import TrackingStore

_ABSENT: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
# a deleted version stays in the table, marked by its stage
_BY_NUMBER: Final = (
    "SELECT version, run_id, source FROM model_versions"
    " WHERE name = ? AND version = ? AND current_stage IS NOT 'Deleted_Internal'"
)
_BY_ALIAS: Final = (
    "SELECT v.version, v.run_id, v.source FROM registered_model_aliases a"
    " JOIN model_versions v ON v.name = a.name AND v.version = a.version"
    " WHERE a.name = ? AND a.alias = ? AND v.current_stage IS NOT 'Deleted_Internal'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version as MLflow has it.

    Attributes:
        name: Name of the registered model.
        version: Its number.
        run_id: The run that logged it.
        source: Address of its files.
        tags: Tags by name.
    """

    name: str
    version: str
    run_id: str
    source: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Found) -> ModelVersion:
        """Return a version that MLflow's client has returned."""
        return cls(
            name=found.name,
            version=str(found.version),
            run_id=str(found.run_id),
            source=str(found.source),
            tags=dict(found.tags),
        )


def find_version(store: TrackingStore, name: str, text: str) -> ModelVersion | None:
    """Return a version by its number or one of its aliases; None if there is none.

    Raises:
        StateError: The tracking store cannot be read.
    """
    file = database_file(store.uri)
    if file is None:
        return _of_client(store, name, text)
    store.expect_runs()
    return _of_database(file, name, text) if file.exists() else None


def _of_database(file: Path, name: str, text: str) -> ModelVersion | None:
    with reading(file) as database:
        found = database.execute(_BY_NUMBER if text.isdecimal() else _BY_ALIAS, (name, text)).fetchone()
        if found is None:
            return None
        version, run_id, source = found
        return ModelVersion(
            name=name, version=str(version), run_id=run_id, source=source, tags=_tags(database, name, version)
        )


def _tags(database: sqlite3.Connection, name: str, version: int) -> dict[str, str]:
    return dict(
        database.execute("SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (name, version))
    )


def _of_client(store: TrackingStore, name: str, text: str) -> ModelVersion | None:
    """Ask a server, or a database of another kind."""
    from mlflow.exceptions import MlflowException

    from models.tracking.store import quiet_mlflow

    try:
        with quiet_mlflow():
            client = store.client
            found = (
                client.get_model_version(name, text)
                if text.isdecimal()
                else client.get_model_version_by_alias(name, text)
            )
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise
    return ModelVersion.of(found)
