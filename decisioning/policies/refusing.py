"""Finds the value of each customer attribute that makes consent conditions refuse, to replace unreadable values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from decisioning.policies.cold_start import with_inputs
from decisioning.policies.compiled import CompiledPolicy
from events.vocabulary import Property, Vocabulary
from expressions.expression import Expression
from expressions.types import Array


def refusing_values(policy: CompiledPolicy, vocabulary: Vocabulary) -> Mapping[str, str]:
    """Find, for each attribute that consent conditions read, the value that makes them refuse.

    Returns:
        Attribute -> that value. The value is `unknown` if no single value decides or if the attribute is read
        through another feature; an attribute is left out if a condition holds for customers whose value is unknown.
    """
    permissions = [part for rule in policy.rules if rule.kind == "consent" for part in rule.parts]
    if policy.personalised is not None:
        permissions.append(policy.personalised)
    conditions = [part.expression for part in permissions]
    read = {
        feature
        for condition in conditions
        for name in condition.names
        for feature in policy.names.features_behind(name)
    }
    found: dict[str, str] = {}
    for name in with_inputs(read, policy.names.catalogue) & vocabulary.attributes.keys():
        asking = [condition for condition in conditions if name in condition.names]
        refusing = [value for condition in asking for value in _refusing(condition, name, vocabulary.attributes[name])]
        if refusing:
            found[name] = refusing[0]
        elif not any(condition.holds(_nothing(condition, 1)).all() for condition in asking):
            found[name] = "unknown"
    return found


def _refusing(condition: Expression, name: str, attribute: Property) -> list[str]:
    """Return the values for which a condition is FALSE whatever the other names are; none if it is FALSE for all."""
    values = ("false", "true") if attribute.type == "boolean" else attribute.allowed
    column = np.arange(len(values), dtype=np.float64)
    refused = condition.evaluate({**_nothing(condition, len(values)), name: column}) == 0.0
    return [] if refused.all() else [value for value, no in zip(values, refused.tolist(), strict=True) if no]


def _nothing(condition: Expression, count: int) -> dict[str, Array]:
    return dict.fromkeys(condition.names, np.full(count, np.nan))
