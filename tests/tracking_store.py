"""An empty MLflow database, which takes MLflow seconds to make: made once in a run, then copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.made_once import made_once

FILE = "mlflow.db"


def tracking_store(file: Path) -> str:
    """Put the database there, as MLflow itself made it, unless there is one; its address."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made_once("tracking_store", _make) / FILE, file)
    return f"sqlite:///{file}"


def _make(folder: Path) -> None:
    # it imports MLflow, which most who import this need much later or never
    from models.tracking.store import TrackingStore

    _ = TrackingStore(f"sqlite:///{folder / FILE}").client
