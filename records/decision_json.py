"""Converts decisions to JSON and back, without loss."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from domain.decision import Candidate, Decision, Verdict
from domain.errors import StateError


def to_json(decision: Decision) -> str:
    """Return a decision as JSON; equal decisions give equal bytes.

    Example:
        >>> from datetime import UTC
        >>> decision = Decision(decision_id="d1", customer_id="c1", channel="app", stage=None, seed=7, candidates=(),
        ...                     as_of=datetime(2026, 1, 1, tzinfo=UTC), features={"age": 41.0}, versions={})
        >>> from_json(to_json(decision)) == decision
        True
    """
    content = asdict(decision)
    content["as_of"] = decision.as_of.isoformat()
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Decision:
    """Read a decision from the JSON of `to_json`.

    Raises:
        StateError: The text is not such a record.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        content["as_of"] = datetime.fromisoformat(content["as_of"])
        content["candidates"] = tuple(_candidate(candidate) for candidate in content["candidates"])
        return Decision(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise StateError("a record of a decision cannot be read", got=str(error), expected="a whole record") from error


def _candidate(content: dict[str, Any]) -> Candidate:
    return Candidate(**{**content, "verdicts": tuple(Verdict(**verdict) for verdict in content["verdicts"])})
