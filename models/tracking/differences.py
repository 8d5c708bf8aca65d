"""What differs between a training run and the champion's: settings, features and data, in words."""

from __future__ import annotations

from typing import Final

from models.tracking.feature_tags import tagged_features
from models.tracking.run_list import ListedRun

_RESULTS: Final = frozenset({"rows", "form", "evaluated_on", "test_first", "test_last", "data_first", "data_last"})
"""Parameters that say what came out or what the data were, not what was set."""
_NAMED: Final = 3
"""Features named one by one; more are counted."""


def differences(run: ListedRun, champion: ListedRun) -> list[str]:
    """List settings, features and data that differ.

    Args:
        run: The run.
        champion: Run of the model in charge.
    """
    mine, theirs = run.parameters, champion.parameters
    names = {*mine, *theirs} - _RESULTS
    if mine.get("learner") != theirs.get("learner"):  # what only one of the learners has goes without saying
        names &= {*mine} & {*theirs}
    found = [
        f"{name} {_said(mine.get(name))} instead of {_said(theirs.get(name))}"
        for name in sorted(names)
        if mine.get(name) != theirs.get(name)
    ]
    found += _features(tagged_features(run.tags), tagged_features(champion.tags))
    if run.tags.get("data_digest") != champion.tags.get("data_digest"):
        found.append(f"events until {_until(run)} instead of {_until(champion)}, log {run.tags['data_digest'][:8]}")
    elif mine.get("data_last") != theirs.get("data_last"):
        found.append(f"data until {_until(run)} instead of {_until(champion)}")
    if run.tags.get("git_revision") != champion.tags.get("git_revision"):
        found.append("another revision of the program")
    return found


def _said(value: str | None) -> str:
    return "not set" if value is None else "by default" if value == "None" else value


def _until(run: ListedRun) -> str:
    return run.parameters.get("data_last", "?")[:10]


def _features(mine: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    if not mine or not theirs:
        return []
    found = []
    for word, names in (("without", set(theirs) - set(mine)), ("with", set(mine) - set(theirs))):
        if names:
            listed = ", ".join(sorted(names)) if len(names) <= _NAMED else f"{len(names)} features"
            found.append(f"{word} {listed}")
    return found
