"""Checks of trials: arms that add up, whole weeks, and layers in which nobody takes part in two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from decisioning.policies.checks import POLICIES_FILE, Path
from decisioning.policies.policy import Policy
from decisioning.policies.trial import Trial
from domain.errors import Problem, nearest
from events.vocabulary import Vocabulary

WEEK = 7
ROUNDING = 1e-9


def trial_problems(policy: Policy, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find trials that cannot be told apart, drawn or read."""
    names = [trial.name for trial in policy.trials]
    for position, trial in enumerate(policy.trials):
        if names.index(trial.name) < position:
            yield _problem(position, ("name",), "the trial is declared twice", f"'{trial.name}'", "another name")
        for path, what, got, expected in _complaints(trial, vocabulary):
            yield _problem(position, path, f"{trial.name}: {what}", got, expected)
    yield from _overlaps(policy.trials)


def _complaints(trial: Trial, vocabulary: Vocabulary) -> Iterator[tuple[Path, str, str, str]]:
    if not trial.name.isidentifier() or trial.name != trial.name.lower():
        yield ("name",), "not a name", f"'{trial.name}'", "lower-case letters, digits and _, a letter first"
    together = sum(trial.arms.values())
    if len(trial.arms) < 2 or min(trial.arms.values()) <= 0.0 or abs(together - 1.0) > ROUNDING:
        got = ", ".join(f"{name} {share:g}" for name, share in trial.arms.items())
        yield ("arms",), "arms do not add up", got, "at least two shares above 0 that add up to 1"
    if trial.control not in trial.arms:
        yield ("control",), "no such arm", f"'{trial.control}'", nearest(trial.control, trial.arms)
    first, last = trial.slice
    if not 0.0 <= first < last <= 1.0:
        yield ("slice",), "not a part of the layer", f"[{first:g}, {last:g}]", "two shares from 0 to 1, in order"
    if trial.days < WEEK or trial.days % WEEK:
        yield ("ends",), "not whole weeks", f"{trial.days} days", "7, 14, 21, ... days, both days included"
    if not trial.expected_gain > 0.0:
        yield ("expected_gain",), "nothing is hoped for", f"{trial.expected_gain:g}", "a number above 0"
    if not trial.slowest > 1.0:
        yield ("slowest",), "not a factor", f"{trial.slowest:g}", "a number above 1"
    for name in trial.models:
        if name not in trial.arms:
            yield ("models", name), "no such arm", f"'{name}'", nearest(name, trial.arms)
    if trial.control in trial.models:
        got = f"{trial.control}: {trial.models[trial.control]}"
        yield ("models", trial.control), "the control arm has a model of its own", got, "the champion, without a line"
    for position, name in enumerate(trial.guardrails):
        if name not in vocabulary.types:
            yield ("guardrails", position), "unknown event type", f"'{name}'", nearest(name, vocabulary.types)


def _overlaps(trials: Sequence[Trial]) -> Iterator[Problem]:
    """Find trials of one layer that run at the same time with shared customers."""
    order = sorted(range(len(trials)), key=lambda place: (trials[place].layer, trials[place].slice))
    for one, other in pairwise(order):
        first, second = trials[one], trials[other]
        apart = first.ends < second.starts or second.ends < first.starts
        if first.layer == second.layer and first.slice[1] > second.slice[0] and not apart:
            what = f"{second.name}: {first.name} has customers of this slice at the same time"
            got, expected = str(list(second.slice)), f"a slice after {first.slice[1]:g}, or another layer"
            yield _problem(other, ("slice",), what, got, expected)


def _problem(position: int, path: Path, what: str, got: str, expected: str) -> Problem:
    return Problem(file=POLICIES_FILE, path=("trials", position, *path), what=what, got=got, expected=expected)
