"""What the online store has of each part of the customers, so that unchanged states are not written again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.atomic import replace_text

_FILE = "online.json"


@dataclass(frozen=True, slots=True)
class OnlinePart:
    """States of a part of the customers that are in the online store.

    Attributes:
        key: Digest of what they were computed from.
        states: Number of states that were written.
    """

    key: str
    states: int


def read_online_parts(folder: Path) -> dict[str, OnlinePart]:
    """Read which parts are online; empty if that is not known, for then all are written again.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_online_parts(Path(folder), {"part-000": OnlinePart("3f2a", 1_000)})
        ...     read_online_parts(Path(folder))
        {'part-000': OnlinePart(key='3f2a', states=1000)}
    """
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return {part: OnlinePart(str(one["key"]), int(one["states"])) for part, one in content.items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_online_parts(folder: Path, parts: Mapping[str, OnlinePart]) -> None:
    """Replace what is known of the online store in one step."""
    replace_text(folder / _FILE, json.dumps({part: asdict(one) for part, one in parts.items()}))
