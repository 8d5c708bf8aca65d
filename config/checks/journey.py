"""Checks of `journey.yaml`, except for its conditions, which are checked with the features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from domain.errors import ExpressionError, Problem
from expressions.contradictions import contradiction
from expressions.expression import compile_expression
from features.journey.settings import Journey

FILE: Final = "journey.yaml"
LONGEST_STAY_DAYS: Final = 3650
LONGEST_INTERVAL_DAYS: Final = 366


def journey_problems(journey: Journey) -> Iterator[Problem]:
    """Find duplicate or unreachable stages and steps, and numbers of days out of range."""
    if not journey.stages:
        yield Problem(file=FILE, path=("stages",), what="a journey without stages", expected="at least one stage")
    if not 1 <= journey.evaluate_every_days <= LONGEST_INTERVAL_DAYS:
        yield Problem(
            file=FILE,
            path=("evaluate_every_days",),
            what="interval out of range",
            got=f"{journey.evaluate_every_days} days",
            expected=f"1 to {LONGEST_INTERVAL_DAYS} days",
        )
    for position, stage in enumerate(journey.stages):
        if not 0 <= stage.minimum_days <= LONGEST_STAY_DAYS:
            yield Problem(
                file=FILE,
                path=("stages", position, "minimum_days"),
                what=f"{stage.stage}: minimum stay out of range",
                got=f"{stage.minimum_days} days",
                expected=f"0 to {LONGEST_STAY_DAYS} days",
            )
    yield from _order_problems("stages", [(condition.stage.value, condition.when) for condition in journey.stages])
    yield from _order_problems("steps", [(condition.step.value, condition.when) for condition in journey.steps])


def _order_problems(part: str, conditions: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    seen: set[str] = set()
    taken_by: str | None = None
    for position, (name, when) in enumerate(conditions):
        if name in seen:
            yield Problem(
                file=FILE,
                path=(part, position),
                what=f"duplicate condition for {name}",
                expected="one condition",
                remedy="join the two with OR",
            )
        elif taken_by is not None:
            yield Problem(
                file=FILE,
                path=(part, position),
                what=f"{name} can never be reached",
                got=f"it after {taken_by}, whose condition always holds",
                expected="a condition that always holds only in last place",
            )
        elif _never_holds(when):
            yield Problem(
                file=FILE,
                path=(part, position),
                what=f"{name} can never be reached",
                got=f"`{when}`",
                expected="a condition that can hold",
            )
        seen.add(name)
        if taken_by is None and _always_holds(when):
            taken_by = name


def _never_holds(condition: str) -> bool:
    try:
        return contradiction(condition) is not None
    except ExpressionError:  # another check reports it
        return False


def _always_holds(condition: str) -> bool:
    try:
        return bool(compile_expression(condition, {}).holds({}))
    except ExpressionError:  # it uses features, or is invalid, which another check reports
        return False
