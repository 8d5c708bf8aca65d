"""Conversion of counts in arrays to JSON and back, for results of steps that are summed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from decisioning.reporting.forensics import Forensics
from decisioning.reporting.summary import Funnel, Summary

_NAMES = ("rules", "kinds", "stages", "offers", "channels", "groupings", "groups")
"""Attributes that contain names instead of counts."""

_Counts = TypeVar("_Counts", Funnel, Summary, Forensics)


def json_counts(counts: Funnel | Summary | Forensics) -> dict[str, Any]:
    """Convert the arrays of counts to lists.

    Example:
        >>> summary = Summary(("growth",), ("loan",), np.array([2]), np.array([[1]]), np.array([1]),
        ...                   np.array([3.5]), np.array([9.0]))
        >>> from_plain(Summary, json_counts(summary)).to_arrow()["with_offer"].to_pylist()
        [1, 1]
    """
    plain = {field.name: getattr(counts, field.name) for field in fields(counts)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in plain.items()}


def from_plain(kind: type[_Counts], plain: dict[str, Any]) -> _Counts:
    """Convert the result of `json_counts`, whether or not it went through JSON, back to counts."""
    content: dict[str, Any] = {}
    for name, value in plain.items():
        if name in _NAMES:
            content[name] = tuple(value)
        else:
            content[name] = np.array(value) if isinstance(value, list) else value
    return kind(**content)
