"""A policy ready to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from decisioning.candidates import Candidates, Columns
from decisioning.policy import Policy
from decisioning.scoped import Scoped
from decisioning.situation import Names

SCORE: Final = "score"
"""Kind of the rules about the numbers themselves; they are asked last."""

SCORED: Final = "scored"
VALUE_KNOWN: Final = "value_known"
MINIMUM_PRIORITY: Final = "minimum_priority"
HOLDOUT: Final = "holdout"
VALID: Final = "valid"
STAGE: Final = "stage"
STEP: Final = "step"
BUILT_IN_RULES: Final[Mapping[str, str]] = {
    HOLDOUT: "The customer is not of the share that gets no offers, to measure against",
    VALID: "The offer may be made on this day",
    STAGE: "The offer serves the customer's lifecycle stage",
    STEP: "The offer serves the customer's step with the product",
    SCORED: "The model gave a probability between 0 and 1",
    VALUE_KNOWN: "The value of an acceptance could be computed",
    MINIMUM_PRIORITY: "The offer is better than none",
}
"""Rules that every policy has, beside `consent_<channel>` for every channel that needs it."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its conditions.

    Attributes:
        kind: One of `RULE_ORDER`, or `score`.
        parts: Conditions about disjoint candidates; a candidate in none of them passes. Rules of kind `score` have
            none: they are about the numbers that arbitration computes.
    """

    name: str
    kind: str
    description: str
    parts: tuple[Scoped, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledWeight:
    """A factor on some candidates, where its condition holds; without one, always."""

    name: str
    factor: float
    columns: Columns
    condition: Scoped | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """Everything `decide` needs to know beside features and scores.

    Attributes:
        rules: In the order in which they are asked; the position is the rule's bit in a verdict.
        values: Formula of each offer over its candidates.
        channels: Channels that at least one candidate is in, in the vocabulary's order.
        time_zone: In which offers are valid and hours count.
        features: Names that a feature table must have.
        digest: Of the policy, the offers and the channels: equal digests decide equally on equal features.
    """

    policy: Policy
    candidates: Candidates
    names: Names
    rules: tuple[CompiledRule, ...]
    values: tuple[Scoped, ...]
    context: tuple[CompiledWeight, ...]
    levers: tuple[CompiledWeight, ...]
    channels: tuple[str, ...]
    time_zone: tzinfo
    features: frozenset[str]
    digest: str

    def bit(self, rule: str) -> int:
        """Position of a rule among the rules, which is its bit in a verdict."""
        return [compiled.name for compiled in self.rules].index(rule)
