"""Checks of `retention.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.retention import Retention
from domain.problem import Problem

FILE: Final = "retention.yaml"
LEAST_DAYS: Final = 90
"""Responses to offers take weeks, by letter up to two months, and need the decision that they answer."""


def retention_problems(retention: Retention) -> Iterator[Problem]:
    """Find retention times that are too short for learning, or that contradict each other."""
    decisions, explanations = retention.decisions_days, retention.explanations_days
    if decisions is not None and decisions < LEAST_DAYS:
        expected = f"{LEAST_DAYS} or more: late outcomes need the decision that they answer"
        yield Problem(file=FILE, path=("decisions_days",), what="too short", got=str(decisions), expected=expected)
    if explanations is None:
        return
    if explanations < 1:
        yield Problem(
            file=FILE, path=("explanations_days",), what="too short", got=str(explanations), expected="1 or more"
        )
    if decisions is not None and explanations > decisions:
        expected = f"at most decisions_days, {decisions}: the archive is not changed any more"
        yield Problem(file=FILE, path=("explanations_days",), what="too long", got=str(explanations), expected=expected)
