"""The files of a model as one folder, with a digest that shows whether they are complete and unchanged."""

from __future__ import annotations

import hashlib
from pathlib import Path

FILES_FOLDER = "nbo"
"""Folder of the model's own files, beside those that MLflow writes for the trees."""

PREDICTIONS_FILE = "test_predictions.parquet"
"""A run's held-out predictions."""


def files_digest(folder: Path) -> str:
    """Hash names and contents of all files below a folder, in name order."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix().encode()
        content = path.read_bytes()
        digest.update(f"{len(name)} {len(content)} ".encode() + name + content)
    return digest.hexdigest()
