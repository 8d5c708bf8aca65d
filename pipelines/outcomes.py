"""What the last runs of a bank's flows said of themselves; reports are made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import StateError
from events.durable import replace_text
from pipelines.steps import StepResult
from wiring.components import Components

IMPORT, FEATURES, MODELS, DECISIONS = "import", "features", "models", "decisions"


def keep_outcomes(components: Components, outcomes: Mapping[str, StepResult]) -> None:
    """Keep what flows said in the place of what the same flows said before."""
    kept = _read(components)
    replace_text(components.places.last_run, json.dumps({**kept, "bank": components.name, **outcomes}, indent=1))


def missing_outcomes(components: Components) -> tuple[str, ...]:
    """Name the flows that have said nothing yet."""
    kept = _read(components)
    return tuple(name for name in (IMPORT, FEATURES, MODELS, DECISIONS) if name not in kept)


def last_outcomes(components: Components) -> dict[str, Any]:
    """Give what each flow said last.

    Raises:
        StateError: One of them has not been run yet.
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
    try:
        kept: dict[str, Any] = json.loads(components.places.last_run.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StateError(
            f"what the last run of bank {components.name} said of itself is damaged",
            got=str(error),
            remedy=f"remove {components.places.last_run} and run again; nothing else is lost",
        ) from error
    return kept
