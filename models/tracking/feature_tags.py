"""The names of a run's features as tags, so that runs can be compared without their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_TAG: Final = "features"
_LONGEST: Final = 4_000
"""Characters of a tag; MLflow allows 8,000, some servers 5,000."""


def feature_tags(names: Sequence[str]) -> dict[str, str]:
    """Return the tags `features_0`, `features_1`, ... that hold the names.

    Example:
        >>> feature_tags(["age", "stage"])
        {'features_0': 'age stage'}
    """
    parts = [""]
    for name in names:
        if len(parts[-1]) + len(name) >= _LONGEST:
            parts.append("")
        parts[-1] = f"{parts[-1]} {name}".strip()
    return {f"{_TAG}_{place}": part for place, part in enumerate(parts) if part}


def tagged_features(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that `feature_tags` wrote; none for runs of former versions."""
    names: list[str] = []
    for place in range(len(tags)):
        names += tags.get(f"{_TAG}_{place}", "").split()
    return tuple(names)
