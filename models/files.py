"""Model files on disk: LightGBM's native text and one JSON file; reading them cannot run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import ModelError

BOOSTER_FILE = "booster.txt"
DESCRIPTION_FILE = "model.json"
_FORMAT = 2
"""A program of before format 2 would leave out where the trees of churn start from, and score wrongly."""
_READABLE = (1, 2)


def write_model(folder: Path, kind: str, description: Mapping[str, Any], booster: str) -> None:
    """Write both files into the folder; create it if missing."""
    write_json(folder, kind, description)
    (folder / BOOSTER_FILE).write_text(booster, encoding="utf-8")


def write_json(folder: Path, kind: str, description: Mapping[str, Any]) -> None:
    """Write the description of a model; for a model without trees it is the only file."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"kind": kind, "format": _FORMAT, **description}
    (folder / DESCRIPTION_FILE).write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def read_description(folder: Path, kind: str) -> tuple[dict[str, Any], str]:
    """Read both files: the description, and the text of the trees.

    Raises:
        ModelError: If a file is missing or damaged, or describes another kind of model.
    """
    return read_json(folder, kind), _text(folder, BOOSTER_FILE)


def read_json(folder: Path, kind: str) -> dict[str, Any]:
    """Read the description of a model.

    Raises:
        ModelError: If the file is missing or damaged, or describes another kind of model.
    """
    description = _parsed(folder)
    found = (description.get("kind"), description.get("format"))
    if found[0] != kind or found[1] not in _READABLE:
        raise ModelError(
            "the files hold another kind of model",
            got=f"{found[0]} in format {found[1]}",
            expected=f"{kind} in format {' or '.join(map(str, _READABLE))}",
        )
    return description


def kind_of(folder: Path) -> str:
    """Return the kind of the model in a folder.

    Raises:
        ModelError: If the file is missing or damaged.
    """
    return str(_parsed(folder).get("kind"))


def _parsed(folder: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(_text(folder, DESCRIPTION_FILE))
    except ValueError as cause:
        raise _unreadable(folder, cause) from cause
    return description


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, ValueError) as cause:
        raise _unreadable(folder, cause) from cause


def _unreadable(folder: Path, cause: Exception) -> ModelError:
    return ModelError(
        "a model's files cannot be read",
        got=f"{type(cause).__name__} in {folder.name}",
        expected=f"{DESCRIPTION_FILE} and {BOOSTER_FILE}",
        remedy="train the model again",
    )
