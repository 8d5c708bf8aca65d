"""All runs of a bank in one flat table, and the code revision that trained them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from mlflow.entities import Run

from models.tracking.context import PARENT_TAG
from models.tracking.store import TrackingStore, quiet_mlflow

UNKNOWN_REVISION = "unknown"


def git_revision(folder: Path) -> str:
    """Return the commit of a folder, with `-dirty` if files differ from it; `unknown` without git.

    Args:
        folder: Any folder of the repository.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return UNKNOWN_REVISION
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


_PAGE = 500
FACTS = ("run", "model", "bank", "started", "seconds", "status", "gate", "git_revision", "data_digest", "run_id")


def compare_runs(
    store: TrackingStore, bank: str | None = None, model: str | None = None, *, newest: int = 10_000
) -> pd.DataFrame:
    """Return the runs as a table, newest first, in a few calls however many there are.

    Columns are those of `FACTS`, then metrics by name with their `_low` and `_high`, then parameters as
    `parameter_<name>`; what a run does not have is missing.

    Args:
        store: Tracking store.
        bank: Only runs of this bank.
        model: Only `churn` or `propensity`.
        newest: Maximum number of rows.
    """
    rows = [_row(run) for run in bank_runs(store, bank, model, newest) if PARENT_TAG not in run.data.tags]
    table = pd.DataFrame(rows)
    names = [name for name in table.columns if name not in FACTS]
    metrics = [name for name in names if not name.startswith("parameter_")]
    parameters = sorted(name for name in names if name.startswith("parameter_"))
    return table.reindex(columns=[*FACTS, *metrics, *parameters])


def bank_runs(store: TrackingStore, bank: str | None, model: str | None, newest: int = 10_000) -> Iterator[Run]:
    """Yield runs, newest first; the children of a run only without a bank."""
    conditions = [f"tags.`{key}` = '{value}'" for key, value in (("bank", bank), ("model", model)) if value]
    client, condition = store.client, " AND ".join(conditions)
    with quiet_mlflow():
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        token, left = None, newest
        while experiments and left > 0:
            page = client.search_runs(
                experiments, condition, max_results=min(_PAGE, left), order_by=["start_time DESC"], page_token=token
            )
            yield from page
            left -= len(page)
            token = page.token
            if not token:
                return


def _row(run: Run) -> dict[str, object]:
    tags, info = run.data.tags, run.info
    started = datetime.fromtimestamp(info.start_time / 1000, UTC)
    facts = {
        "run": info.run_name,
        "model": tags.get("model"),
        "bank": tags.get("bank"),
        "started": started,
        "seconds": None if info.end_time is None else (info.end_time - info.start_time) / 1000,
        "status": info.status,
        "gate": tags.get("gate"),
        "git_revision": tags.get("git_revision"),
        "data_digest": tags.get("data_digest"),
        "run_id": info.run_id,
    }
    return facts | run.data.metrics | {f"parameter_{name}": value for name, value in run.data.params.items()}
