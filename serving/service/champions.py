"""The champions as files: what a registry has, laid down where services find it without asking the registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from domain.errors import StateError
from events.durable import replace_text

MANIFEST: Final = "champions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """One model in charge.

    Attributes:
        name: In the registry, as `demo-churn`.
        digest: Of its files.
        folder: Of its files, below that of the manifest.
    """

    name: str
    version: str
    digest: str
    folder: str

    @property
    def cited(self) -> str:
        """As decisions cite it."""
        return f"{self.version}:{self.digest[:12]}"


Champions = Mapping[str, Champion]
"""By `churn` and `propensity`; a model that has no champion is not there."""


def write_champions(folder: Path, champions: Champions) -> None:
    """Say who is in charge, in one step."""
    replace_text(folder / MANIFEST, json.dumps({name: asdict(champion) for name, champion in champions.items()}))


def read_champions(folder: Path) -> Champions | None:
    """Read who is in charge; None where nobody has said it yet.

    Raises:
        StateError: The manifest is damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {name: Champion(**champion) for name, champion in content.items()}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            "the list of champions is damaged", got=str(error), remedy=f"remove {MANIFEST}; it is written again"
        ) from error
