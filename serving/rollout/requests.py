"""Requests to take a model back: services, which do without the registry, write them for who publishes models."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from domain.errors import DataError, StateError
from storage.atomic import replace_text

FILE: Final = "back.json"
LONGEST_TEXT: Final = 500
"""Characters of a reason or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRequest:
    """A request to end the rollout under way, or else to put the former champion back in charge.

    Attributes:
        by: Name of the person.
        why: The reason.
        caller: Who called, for the audit.
    """

    by: str
    why: str
    caller: str


def ask_back(folder: Path, request: BackRequest) -> None:
    """Store a request; a second one before the first is done replaces it.

    Args:
        folder: Folder of the champions' files, which services and the publisher share.
        request: Who asks, and why.

    Raises:
        DataError: The person or the reason is missing or too long.
        StateError: It cannot be written.
    """
    for name, text in (("person", request.by), ("reason", request.why)):
        if not 0 < len(text.strip()) <= LONGEST_TEXT:
            got = f"{len(text)} characters"
            raise DataError(f"going back needs a {name}", got=got, expected=f"1 to {LONGEST_TEXT}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / FILE, json.dumps(asdict(request)))
    except OSError as error:
        remedy = "take it back by command: nbo rollout back"
        raise StateError("the request could not be stored", got=error.strerror or str(error), remedy=remedy) from error


def asked_back(folder: Path) -> BackRequest | None:
    """Return the request that waits; None without one.

    Raises:
        StateError: The file is damaged.
    """
    try:
        return BackRequest(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StateError("a request to go back is damaged", got=str(error), remedy=f"remove {FILE}") from error


def answered(folder: Path) -> None:
    """Remove the request, which is done or cannot be done."""
    (folder / FILE).unlink(missing_ok=True)
