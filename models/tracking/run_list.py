"""Training runs read from MLflow's own database: importing MLflow takes five times as long as the answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from models.tracking.database import database_file, reading

_PARENT: Final = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A training run.

    Attributes:
        name: Name of the experiment, or else model, end of the data and its digest.
        aliases: Aliases of its registered version, such as `champion`.
        metrics: Metrics by name.
        parameters: Settings by name.
        tags: Tags by name.
    """

    run_id: str
    name: str
    started: datetime
    status: str
    aliases: tuple[str, ...]
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def model(self) -> str:
        """`churn` or `propensity`."""
        return self.tags.get("model", "")


def list_runs(uri: str, bank: str, model: str | None = None) -> list[ListedRun]:
    """List a bank's runs, newest first, without the child runs of their folds.

    Args:
        uri: Address of the tracking store.
        bank: Name of the bank.
        model: Only `churn` or `propensity`.

    Raises:
        StateError: The database cannot be read.
    """
    file = database_file(uri)
    if file is None:
        return _of_client(uri, bank, model)
    if not file.exists():
        return []
    with reading(file) as database:
        return list(_of_database(database, bank, model))


def _of_database(database: sqlite3.Connection, bank: str, model: str | None) -> Iterator[ListedRun]:
    wanted = (
        "SELECT r.run_uuid, r.name, r.start_time, r.status FROM runs r "
        "JOIN tags b ON b.run_uuid = r.run_uuid AND b.key = 'bank' AND b.value = ? "
        "WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time DESC, r.run_uuid"
    )
    aliases = _grouped(
        database,
        "SELECT v.run_id, a.alias, '' FROM registered_model_aliases a "
        "JOIN model_versions v ON v.name = a.name AND v.version = a.version",
    )
    metrics = _grouped(database, "SELECT run_uuid, key, value FROM latest_metrics WHERE NOT is_nan")
    parameters = _grouped(database, "SELECT run_uuid, key, value FROM params")
    tags = _grouped(database, "SELECT run_uuid, key, value FROM tags")
    for run_id, name, started, status in database.execute(wanted, (bank,)):
        own = {str(key): str(value) for key, value in tags.get(run_id, {}).items()}
        if _PARENT not in own and model in (None, own.get("model")):
            yield ListedRun(
                run_id=run_id,
                name=name,
                started=datetime.fromtimestamp(started / 1000, UTC),
                status=status,
                aliases=tuple(sorted(aliases.get(run_id, {}))),
                metrics={key: float(str(value)) for key, value in metrics.get(run_id, {}).items()},
                parameters={key: str(value) for key, value in parameters.get(run_id, {}).items()},
                tags=own,
            )


def _grouped(database: sqlite3.Connection, query: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for run_id, key, value in database.execute(query):
        found.setdefault(run_id, {})[key] = value
    return found


def _of_client(uri: str, bank: str, model: str | None) -> list[ListedRun]:
    """Ask a server, or a database of another kind."""
    from models.tracking.experiments import bank_runs
    from models.tracking.store import TrackingStore, quiet_mlflow

    store = TrackingStore(uri)
    runs = [run for run in bank_runs(store, bank, model) if _PARENT not in run.data.tags]
    aliases: dict[str, set[str]] = {}
    with quiet_mlflow():
        for registered in store.client.search_registered_models(f"name LIKE '{bank}-%'"):
            for alias, version in registered.aliases.items():
                run_id = str(store.client.get_model_version(registered.name, version).run_id)
                aliases.setdefault(run_id, set()).add(alias)
    return [
        ListedRun(
            run_id=run.info.run_id,
            name=run.info.run_name,
            started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
            status=run.info.status,
            aliases=tuple(sorted(aliases.get(run.info.run_id, ()))),
            metrics={key: value for key, value in run.data.metrics.items() if value == value},  # noqa: PLR0124 - NaN
            parameters=dict(run.data.params),
            tags=dict(run.data.tags),
        )
        for run in runs
    ]
