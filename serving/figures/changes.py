"""What changed when: differences between consecutive runs of a bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from serving.figures.files import RunFigures


@dataclass(frozen=True, slots=True)
class Change:
    """A change between a run and the one before.

    Attributes:
        day: Day of the run that was the first with the change.
        what: `bank`, `policy`, or the name of a model.
        before: Version before; None if there was none.
        after: Version after; None if there is none now.
    """

    day: date
    what: str
    before: str | None
    after: str | None


def changes(runs: Sequence[RunFigures]) -> list[Change]:
    """List the changes of versions, oldest first.

    A change of the policy is also one of the bank's folder; only the policy is listed then.

    Args:
        runs: Runs as `serving.figures.files.read_runs` returns them.

    Example:
        >>> runs = [RunFigures(folder=str(day), as_of=f"2026-06-0{day}T00:00:00+02:00", versions={"policy": version})
        ...         for day, version in ((1, "a"), (2, "a"), (3, "b"))]
        >>> changes(runs)
        [Change(day=datetime.date(2026, 6, 3), what='policy', before='a', after='b')]
    """
    found = []
    for earlier, later in pairwise(runs):
        before, after = earlier.versions, later.versions
        names = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
        if "policy" in names and "bank" in names:
            names.remove("bank")
        found += [Change(later.day, name, before.get(name), after.get(name)) for name in names]
    return found
