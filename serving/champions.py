"""Champions by name, and the manifest of their files, from which services read them without asking the registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from domain.errors import StateError
from storage.atomic import replace_text

MANIFEST: Final = "champions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModel:
    """One model in charge.

    Attributes:
        name: Name in the registry, such as `demo-churn`.
        digest: Digest of its files.
        folder: Folder of its files, relative to that of the manifest.
    """

    name: str
    version: str
    digest: str
    folder: str

    @property
    def cited(self) -> str:
        """Version and digest, as decisions cite them."""
        return f"{self.version}:{self.digest[:12]}"


Champions = Mapping[str, PublishedModel]
"""Models by `churn` and `propensity` (champions), `shadow` or `slice` (a rollout), and arm of a trial (`of_arm`)."""

IN_CHARGE: Final = ("churn", "propensity")
SHADOW: Final = "shadow"
SLICE: Final = "slice"


def of_arm(trial: str, arm: str) -> str:
    """Return the name under which the model of a trial's arm is published."""
    return f"{trial}/{arm}"


def write_champions(folder: Path, champions: Champions) -> None:
    """Write the manifest of champions atomically."""
    replace_text(folder / MANIFEST, json.dumps({name: asdict(champion) for name, champion in champions.items()}))


def read_champions(folder: Path) -> Champions | None:
    """Read the manifest of champions; return None if there is none yet.

    Raises:
        StateError: The manifest is damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {name: PublishedModel(**champion) for name, champion in content.items()}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            "the list of champions is damaged", got=str(error), remedy=f"remove {MANIFEST}; it is written again"
        ) from error
