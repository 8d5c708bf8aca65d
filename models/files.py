"""A model on disk: native text of the trees and one JSON; nothing that could run code when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import ModelError

BOOSTER_FILE = "booster.txt"
DESCRIPTION_FILE = "model.json"
_FORMAT = 1


def write_model(folder: Path, kind: str, description: Mapping[str, Any], booster: str) -> None:
    """Write both files into the folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BOOSTER_FILE).write_text(booster, encoding="utf-8")
    content = {"kind": kind, "format": _FORMAT, **description}
    (folder / DESCRIPTION_FILE).write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def read_description(folder: Path, kind: str) -> tuple[dict[str, Any], str]:
    """Read both files: the description, and the text of the trees.

    Raises:
        ModelError: If a file is missing or damaged, or describes another kind of model.
    """
    try:
        description = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        booster = (folder / BOOSTER_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError) as cause:
        raise ModelError(
            "a model's files cannot be read",
            got=f"{type(cause).__name__} in {folder.name}",
            expected=f"{DESCRIPTION_FILE} and {BOOSTER_FILE}",
            remedy="train the model again",
        ) from cause
    found = (description.get("kind"), description.get("format"))
    if found != (kind, _FORMAT):
        raise ModelError(
            "the files hold another kind of model",
            got=f"{found[0]} in format {found[1]}",
            expected=f"{kind} in format {_FORMAT}",
        )
    return description, booster
