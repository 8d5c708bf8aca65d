"""Shows training runs and compares them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from config.experiments import changed_models
from domain.cells import harmless
from domain.errors import DataError, StateError, nearest
from models.tracking.differences import differences
from models.tracking.run_list import ListedRun, list_runs
from nbo.display import console, show_table
from wiring.components import MODELS, Components

_SHOWN: Final = ("name", "model", "started", "role", "gate", "auc", "log_loss")
"""Columns that fit a terminal; the file has all."""


def show_experiments(components: Components, sort: str, model: str | None, file: Path | None) -> None:
    """Show a bank's runs sorted by a column, largest first, or write the whole table to a file.

    Raises:
        DataError: There are no runs, no such column, or no such model.
        StateError: The file could not be written.
    """
    runs = runs_of(components, model)
    champions = {run.model: run for run in runs if "champion" in run.aliases}
    rows = [_row(run, champions.get(run.model)) for run in runs]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if sort not in columns:
        raise DataError("no such column to sort by", got=f"'{sort}'", expected=nearest(sort, columns))
    rows.sort(key=lambda row: (row.get(sort) is not None, row.get(sort) or 0), reverse=True)
    if file is not None:
        _write(file, columns, rows)
        console.print(f"{len(rows)} runs, {len(columns)} columns: {file}", markup=False)
        return
    shown = list(dict.fromkeys((*_SHOWN, sort)))
    show_table(
        f"{len(rows)} runs of {components.name}", shown, [tuple(row.get(name) for name in shown) for row in rows]
    )
    for row in rows:
        for word in ("differs", "refused"):
            if row[word]:
                console.print(f"  {row['name']} ({row['model']}) {_SAYS[word]}: {row[word]}", markup=False)


_NAME: Final = re.compile(r"(?!v\d+$)[A-Za-z][A-Za-z0-9_-]{0,99}")
_RESERVED: Final = ("champion", "challenger", "latest")
_SAYS: Final = {"differs": "differs from the champion", "refused": "was refused"}


def expect_experiment(components: Components, name: str | None, changes: Sequence[str]) -> None:
    """Check the name and the settings of an experiment before anything is started.

    Raises:
        DataError: There are changes without a name, or the name cannot be an alias in MLflow.
        ConfigurationErrors: A change is not valid.
    """
    changed_models(components.folder, changes)
    if name is None:
        if changes:
            raise DataError("changed settings need a name", got=changes[0], remedy="--as NAME")
    elif not _NAME.fullmatch(name) or name in _RESERVED:
        expected = "letters, digits, _ and -, a letter first; not a version, champion or challenger"
        raise DataError("not a name for an experiment", got=f"'{name}'", expected=expected)


def expect_model(model: str) -> None:
    """Check the name of a model.

    Raises:
        DataError: There is no such model.
    """
    if model not in MODELS:
        raise DataError("no such model", got=f"'{model}'", expected=nearest(model, MODELS))


def runs_of(components: Components, model: str | None) -> list[ListedRun]:
    """List a bank's runs, newest first.

    Raises:
        DataError: There are none, or there is no such model.
    """
    if model is not None:
        expect_model(model)
    runs = list_runs(components.settings.tracking_uri, components.name, model)
    if not runs:
        raise DataError(f"bank {components.name} has no runs yet", remedy=f"nbo --bank {components.folder} train")
    return runs


def _row(run: ListedRun, champion: ListedRun | None) -> dict[str, Any]:
    roles = [alias for alias in run.aliases if alias in ("champion", "challenger")]
    return {
        "name": run.name,
        "model": run.model,
        "started": f"{run.started:%Y-%m-%d %H:%M}",
        "role": roles[0] if roles else "experiment" if "experiment" in run.tags else None,
        "gate": run.tags.get("gate", run.status.lower()),
        "differs": "" if champion in (None, run) else "; ".join(differences(run, champion)),
        "refused": run.tags.get("gate_failures", ""),
        "run_id": run.run_id,
        "git_revision": run.tags.get("git_revision"),
        "data_digest": run.tags.get("data_digest"),
        **run.metrics,
        **{f"parameter_{name}": value for name, value in run.parameters.items()},
    }


def _write(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow([harmless(name) for name in columns])
            writer.writerows([harmless(row.get(name)) for name in columns] for row in rows)
    except OSError as error:
        raise StateError(
            f"the table of runs could not be written to {file}",
            got=error.strerror or str(error),
            remedy="name a file in a folder that exists and is writable",
        ) from error
