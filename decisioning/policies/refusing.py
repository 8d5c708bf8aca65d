"""What a customer's attribute stands for that cannot be read, as the conditions about consent have it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from decisioning.policies.cold_start import with_inputs
from decisioning.policies.compiled import CompiledPolicy
from events.vocabulary import Property, Vocabulary
from expressions.expression import Expression
from expressions.types import Array


def refusing_values(policy: CompiledPolicy, vocabulary: Vocabulary) -> Mapping[str, str]:
    """Find for each attribute that a condition about consent reads the value by which it says no.

    Returns:
        Attribute -> that value; `unknown` where no value alone decides, unless a condition holds for whoever is
        unknown; or where it is read through another feature.
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
    """Values for which a condition does not hold whatever else is so, if there are others."""
    values = ("false", "true") if attribute.type == "boolean" else attribute.values
    column = np.arange(len(values), dtype=np.float64)
    refused = condition.evaluate({**_nothing(condition, len(values)), name: column}) == 0.0
    return [] if refused.all() else [value for value, no in zip(values, refused.tolist(), strict=True) if no]


def _nothing(condition: Expression, count: int) -> dict[str, Array]:
    return dict.fromkeys(condition.names, np.full(count, np.nan))
