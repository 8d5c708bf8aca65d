"""What a run reused from earlier ones, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

REUSED: Final = "reused"
"""Key of a step's result: whether an earlier run did it; of a flow's result: how many of its buckets one did."""
BY_BUCKETS: Final = ("features", "decisions")


def reused_sentence(result: Mapping[str, Any]) -> str:
    """Say which steps of a whole run an earlier run had done already.

    Example:
        >>> reused_sentence({
        ...     "features": {"buckets": 32, "reused": 32}, "journeys": {"reused": True},
        ...     "models": {"churn": {"reused": True}, "propensity": {"reused": False}},
        ...     "decisions": {"buckets": 32, "reused": 31},
        ... })
        'reused from earlier runs: features, decisions of 31 of 32 buckets, journey figures, churn model'
    """
    parts = []
    for name in BY_BUCKETS:
        done, buckets = result[name][REUSED], result[name]["buckets"]
        if done:
            parts.append(name if done == buckets else f"{name} of {done} of {buckets} buckets")
    if result["journeys"][REUSED]:
        parts.append("journey figures")
    parts += [f"{name} model" for name, model in result["models"].items() if model[REUSED]]
    return f"reused from earlier runs: {', '.join(parts) or 'nothing'}"
