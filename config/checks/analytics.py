"""Checks of `analytics.yaml` against the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.errors import Problem, nearest
from events.vocabulary import Vocabulary
from journeys.settings import Analytics

FILE: Final = "analytics.yaml"
LONGEST_DAYS: Final = 3650
LEAST_CELL: Final = 5


def analytics_problems(analytics: Analytics, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find names that the vocabulary lacks, steps without events, and numbers out of range."""
    yield from _segment_problems(analytics, vocabulary)
    seen: set[str] = set()
    for position, step in enumerate(analytics.steps):
        path = ("steps", position)
        if step.step in seen:
            yield Problem(file=FILE, path=path, what=f"duplicate step {step.step}", expected="one entry for each step")
        seen.add(step.step)
        if not step.groups and not step.types:
            expected = "groups or types of events"
            yield Problem(file=FILE, path=path, what=f"step {step.step} has no events", expected=expected)
        for group in step.groups:
            yield from _group_problem(group, vocabulary, (*path, "groups"))
        for name in step.types:
            if name not in vocabulary.types:
                yield Problem(
                    file=FILE,
                    path=(*path, "types"),
                    what="no such event type",
                    got=f"'{name}'",
                    expected=nearest(name, vocabulary.types),
                )
    for group in analytics.touchpoints:
        yield from _group_problem(group, vocabulary, ("touchpoints",))
    for name in ("pause_days", "touchpoint_days", "switch_days", "followed_days", "period_days"):
        days = getattr(analytics, name)
        if not 1 <= days <= LONGEST_DAYS:
            yield Problem(
                file=FILE, path=(name,), what="days out of range", got=str(days), expected=f"1 to {LONGEST_DAYS}"
            )
    if analytics.smallest_cell < LEAST_CELL:
        yield Problem(
            file=FILE,
            path=("smallest_cell",),
            what="smallest cell out of range",
            got=str(analytics.smallest_cell),
            expected=f"{LEAST_CELL} or more customers, so that no figure tells of single people",
        )


def _segment_problems(analytics: Analytics, vocabulary: Vocabulary) -> Iterator[Problem]:
    name = analytics.segment
    if name is None:
        return
    if name not in vocabulary.attributes:
        expected = nearest(name, vocabulary.attributes)
        yield Problem(file=FILE, path=("segment",), what="no such attribute", got=f"'{name}'", expected=expected)
    elif vocabulary.attributes[name].type != "category":
        got = f"'{name}', a {vocabulary.attributes[name].type}"
        yield Problem(
            file=FILE, path=("segment",), what="not a category", got=got, expected="an attribute with a list of values"
        )


def _group_problem(group: str, vocabulary: Vocabulary, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if group not in vocabulary.groups:
        expected = nearest(group, vocabulary.groups)
        yield Problem(file=FILE, path=path, what="no event type is of this group", got=f"'{group}'", expected=expected)
