"""The comparison of training runs in the terminal, or as a file."""

from __future__ import annotations

from pathlib import Path

from domain.cells import harmless
from domain.errors import DataError, StateError, nearest
from models.tracking.experiments import compare_runs
from nbo.display import console, show_table
from wiring.components import MODELS, Components

SHOWN = ("run", "model", "started", "gate", "auc", "average_precision", "log_loss", "calibration_error", "run_id")
"""Columns that fit a terminal; the file has all."""


def show_experiments(components: Components, sort: str, model: str | None, file: Path | None) -> None:
    """Show a bank's runs sorted by a column, largest first, or write the whole table to a file.

    Raises:
        DataError: There are no runs, no such column, or no such model.
        StateError: The file could not be written.
    """
    if model not in (None, *MODELS):
        raise DataError("no such model", got=f"'{model}'", expected=nearest(str(model), MODELS))
    table = compare_runs(components.models.store, components.name, model)
    if table.empty:
        raise DataError(f"bank {components.name} has no runs yet", remedy=f"nbo --bank {components.folder} train")
    if sort not in table.columns:
        raise DataError("no such column to sort by", got=f"'{sort}'", expected=nearest(sort, table.columns))
    table = table.sort_values(sort, ascending=False)
    if file is not None:
        try:
            table.map(harmless).rename(columns=harmless).to_csv(file, index=False)
        except OSError as error:
            raise StateError(
                f"the table of runs could not be written to {file}",
                got=error.strerror or str(error),
                remedy="name a file in a folder that exists and is writable",
            ) from error
        console.print(f"{len(table)} runs, {len(table.columns)} columns: {file}", markup=False)
        return
    columns = [name for name in dict.fromkeys((*SHOWN, sort)) if name in table.columns]
    shown = table[columns].copy()
    shown["started"] = shown["started"].dt.strftime("%Y-%m-%d %H:%M")
    show_table(
        f"{len(table)} runs of {components.name}", columns, [tuple(row) for row in shown.itertuples(index=False)]
    )
