"""A bank's Feast repository: opens the feature store in its state folder, and registers features."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import finalize

from feast import FeatureService, FeatureStore, FeatureView, Project, RepoConfig
from feast.errors import FeastError, FeastObjectNotFoundException
from pydantic import ValidationError

from domain.errors import StateError, nearest
from domain.sqlite_files import expect_sound
from features.catalogue import FeatureCatalogue
from features.store.definitions import Definitions, define


def close_connections(store: FeatureStore) -> None:
    """Close the connections of the registry and the online store; the next use opens new ones.

    Args:
        store: A store with an SQL registry, and an online store that `config.stores` knows.
    """
    registry: Any = store._registry  # `store.registry` would open it
    if registry is not None:
        registry.write_engine.dispose()
    online: Any = store.provider.online_store  # each closes in its own way
    match store.config.online_store.type:
        case "sqlite":
            if online._conn is not None:
                online._conn.close()
                online._conn = None
        case "redis":
            if online._client is not None:
                online._client.close()
        case _:
            online.disconnect()


_DIGEST_TAG = "definitions"


class FeatureRepository:
    """One bank's Feast: registry and online store in a folder, features in Parquet files beside it.

    Its connections are closed when it is no longer referenced.

    The registry is an SQLite database because its writes are transactions: Feast's registry file is rewritten in
    place, and a crash during a write would destroy it. The folder contains absolute paths; after it was moved,
    `apply` registers everything again. Feast 0.67 sends no telemetry; lineage and run logging stay off.

    Args:
        bank: Name of the bank, and of the Feast project.
        folder: State folder of Feast (`<bank>/feast`), created if missing.
        parts: Folder of the Parquet files of features (`<bank>/features`).
        online_store: Feast's settings of an online store other than SQLite (`{"type": "redis", ...}`).
        maximum_age: How much older than a moment its joined features may be; zero for exactly as of the moment.

    Raises:
        StateError: If Feast rejects the settings or the name, or a database is damaged.
    """

    def __init__(
        self,
        bank: str,
        folder: Path,
        parts: Path,
        *,
        online_store: Mapping[str, Any] | None = None,
        maximum_age: timedelta = timedelta(0),
    ) -> None:
        self.folder = folder.resolve()
        self.parts = parts.resolve()
        self.maximum_age = maximum_age
        self.folder.mkdir(parents=True, exist_ok=True)
        self.parts.mkdir(parents=True, exist_ok=True)
        if online_store is None:
            online_store = {"type": "sqlite", "path": str(_readable_while_written(self.folder / "online.db"))}
        try:
            config = RepoConfig(
                project=bank,
                provider="local",
                registry={
                    "registry_type": "sql",
                    "path": f"sqlite:///{_readable_while_written(self.folder / 'registry.db')}",
                },
                offline_store={"type": "duckdb"},
                online_store=dict(online_store),
                repo_path=self.folder,
            )
        except (ValidationError, FeastError) as error:
            details = error.errors() if isinstance(error, ValidationError) else [{"msg": str(error)}]
            raise StateError(
                "Feast rejects these settings",
                got="; ".join(str(problem["msg"]) for problem in details),
                remedy="correct the bank's name or the settings of the online store; Redis and PostgreSQL need the "
                "extras of those names (pip install --editable '.[redis,postgres]')",
            ) from None  # the original error contains the settings, including their password
        self.store = FeatureStore(config=config)
        # connections are closed even if the owner, or the end of the process, does not close them
        finalize(self, close_connections, self.store)

    def apply(self, catalogue: FeatureCatalogue, services: Mapping[str, Sequence[str]]) -> bool:
        """Register the features, unless they are already registered.

        Args:
            catalogue: The bank's features; internal ones are left out.
            services: Name of a feature service -> its features; `all` is added.

        Returns:
            Whether anything had to be registered.

        Raises:
            DataError: If a service requests a feature that is not stored, or Feast cannot use a name.
            StateError: If the online store does not answer; the next call registers the rest.
        """
        definitions = define(
            catalogue,
            services,
            parts=self.parts,
            unused=self.folder / "unused.parquet",
            maximum_age=self.maximum_age,
        )
        if self._registered_digest() == definitions.digest:
            self._create_online_table(definitions)
            return False
        current = {service.name for service in definitions.services}
        gone: list[Any] = [service for service in self.store.list_feature_services() if service.name not in current]
        with _told_clearly():
            self.store.apply(definitions.objects, objects_to_delete=gone, partial=False)
        # Last, so that after a crash the next call registers everything again.
        project = Project(name=self.store.project, tags={_DIGEST_TAG: definitions.digest})
        self.store.registry.apply_project(project)
        self.store.registry.refresh(self.store.project)
        return True

    @property
    def is_unused(self) -> bool:
        """Whether no features were ever built: nothing is registered, and there is no file of features."""
        return not self.store.list_feature_views() and next(self.parts.rglob("*.parquet"), None) is None

    def feature_view(self, name: str) -> FeatureView:
        """Look up a registered view.

        Raises:
            StateError: If no view with that name is registered.
        """
        try:
            return self.store.get_feature_view(name)
        except FeastObjectNotFoundException as error:
            raise _not_registered(
                "feature view", name, [view.name for view in self.store.list_feature_views()]
            ) from error

    def feature_service(self, name: str) -> FeatureService:
        """Look up a registered feature service.

        Raises:
            StateError: If no service with that name is registered.
        """
        try:
            return self.store.get_feature_service(name)
        except FeastObjectNotFoundException as error:
            services = [service.name for service in self.store.list_feature_services()]
            raise _not_registered("feature service", name, services) from error

    def close(self) -> None:
        """Close the connections to registry and online store; later use opens new ones."""
        close_connections(self.store)

    def _registered_digest(self) -> str | None:
        try:
            tags: dict[str, str] = self.store.get_project(self.store.project).tags
        except FeastObjectNotFoundException:
            return None
        return tags.get(_DIGEST_TAG)

    def _create_online_table(self, definitions: Definitions) -> None:
        """Create the online table again: Feast only does so on apply, and it may be deleted, or the store changed."""
        with _told_clearly():
            self.store.provider.update_infra(
                self.store.project,
                tables_to_delete=[],
                tables_to_keep=[definitions.state],
                entities_to_delete=[],
                entities_to_keep=[definitions.customer],
                partial=True,
            )


def no_answer(error: Exception) -> StateError:
    """Build the error for a failing online store, with the first line of its driver's message.

    Args:
        error: The error that the store raised; a `StateError` is returned unchanged.
    """
    if isinstance(error, StateError):
        return error
    words = str(error).strip().splitlines() or [""]
    return StateError(
        "the online store does not answer or refuses the request",
        got=f"{type(error).__name__}: {words[0]}",
        remedy="check that the server in NBO_ONLINE_STORE is running, is reachable from here and accepts this user",
    )


@contextmanager
def _told_clearly() -> Iterator[None]:
    try:
        yield
    except FeastError:
        raise
    except Exception as error:  # each store has its driver's errors
        raise no_answer(error) from error


def _not_registered(kind: str, name: str, registered: Sequence[str]) -> StateError:
    return StateError(
        f"{kind} is not registered",
        got=f"'{name}'",
        expected=nearest(name, registered),
        remedy="build the features, which registers them",
    )


def _readable_while_written(path: Path) -> Path:
    """Switch a database to write-ahead logging, which is persistent, so that others can read while a flow writes."""
    expect_sound(path, f"remove {path} and build features again, which recreates all of it from the event log")
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise StateError(
            "a database of the feature store cannot be opened",
            got=f"{error}: {path}",
            remedy="check its permissions and the free space; if it is damaged, remove it and build features again, "
            "which recreates all of it from the event log",
        ) from error
    return path
