"""Stored results of the last runs of a bank's flows, from which reports are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import StateError
from events.durable import replace_text
from pipelines.steps import StepResult
from serving.figures.files import read_last_run
from wiring.components import Components

IMPORT, FEATURES, MODELS, DECISIONS = "import", "features", "models", "decisions"


def keep_outcomes(components: Components, outcomes: Mapping[str, StepResult]) -> None:
    """Store the results of flows, replacing earlier results of the same flows."""
    earlier = _read(components)
    replace_text(components.places.last_run, json.dumps({**earlier, "bank": components.name, **outcomes}, indent=1))


def missing_outcomes(components: Components) -> tuple[str, ...]:
    """Return the names of flows without a stored result."""
    stored = _read(components)
    return tuple(name for name in (IMPORT, FEATURES, MODELS, DECISIONS) if name not in stored)


def last_outcomes(components: Components) -> dict[str, Any]:
    """Return the last result of each flow.

    Raises:
        StateError: One of the flows has not been run yet.
    """
    missing = missing_outcomes(components)
    if missing:
        raise StateError(
            f"bank {components.name} has not been run yet",
            got=f"nothing of {', '.join(missing)}",
            remedy=f"nbo --bank {components.folder} run",
        )
    return _read(components)


def _read(components: Components) -> dict[str, Any]:
    return read_last_run(components.places.last_run)
