"""Cold start: the feature values a bank assumes for a customer about whom it knows nothing, checked and encoded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from decisioning.policies.checks import POLICIES_FILE
from decisioning.policies.policy import Policy
from decisioning.policies.requests import number_of
from domain.errors import DataError, Problem, nearest
from features.building.formulas import names_read
from features.catalogue import FeatureCatalogue

PART = "cold_start"


def assumptions(
    policy: Policy, catalogue: FeatureCatalogue, permissions: Iterable[str]
) -> tuple[dict[str, float] | None, list[Problem]]:
    """Check and encode a policy's cold-start assumptions.

    Args:
        policy: Policy with the `cold_start` section.
        catalogue: All features.
        permissions: Features on which permissions depend; neither they nor their inputs may be assumed.

    Returns:
        The valid assumptions by feature, with categories as codes (None if the bank declares no cold start), and the
        problems found.
    """
    if policy.cold_start is None:
        return None, []
    kept_unknown = with_inputs(permissions, catalogue)
    assumed: dict[str, float] = {}
    problems: list[Problem] = []
    for name, value in policy.cold_start.items():
        problem = _refused(name, catalogue, kept_unknown)
        if problem is None:
            try:
                assumed[name] = number_of(name, value, catalogue.features[name].type)
            except DataError as error:
                got = str(value).lower() if isinstance(value, bool) else error.got
                problem = Problem(file=POLICIES_FILE, path=(), what=error.what, got=got, expected=error.expected)
        if problem is not None:
            problems.append(replace(problem, path=(PART, name)))
    return assumed, problems


def _refused(name: str, catalogue: FeatureCatalogue, kept_unknown: Collection[str]) -> Problem | None:
    feature = catalogue.features.get(name)
    if feature is None:
        expected = nearest(name, [name for name, feature in catalogue.features.items() if not feature.internal])
        return Problem(file=POLICIES_FILE, path=(), what="unknown feature", got=f"'{name}'", expected=expected)
    if feature.internal:
        expected = "a declared feature"
        return Problem(
            file=POLICIES_FILE, path=(), what="a count of contacts is never assumed", got=f"'{name}'", expected=expected
        )
    if name in kept_unknown:
        return Problem(
            file=POLICIES_FILE,
            path=(),
            what="a permission is never assumed",
            got=f"'{name}', on which a permission depends",
            expected="a feature on which no permission depends",
            remedy="leave it out: an unknown permission fails",
        )
    return None


def with_inputs(names: Iterable[str], catalogue: FeatureCatalogue) -> set[str]:
    """Return these features together with all features that they are computed from."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        feature = catalogue.features.get(name)
        if feature is not None and name not in found:
            found.add(name)
            waiting += names_read(feature.expression or "")
    return found
