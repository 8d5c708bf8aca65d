"""A policy ready to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.budgets import Budget
from decisioning.policies.candidates import Candidates, Columns
from decisioning.policies.evaluation_context import ColumnLayout
from decisioning.policies.policy import Policy
from decisioning.policies.scoped_expression import ScopedExpression
from decisioning.policies.symbol_table import SymbolTable

SCORE: Final = "score"
"""Kind of the rules about the numbers themselves; they are asked after those of the policy."""

BUDGET: Final = "budget"
"""Kind of the rules about what is left of budgets; they are asked last."""

REASONS_KEPT: Final = 50_000
"""Of what was worded last; some ten megabytes."""

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
        kind: One of `RULE_ORDER`, or `score`, or `budget`.
        parts: Conditions about disjoint candidates; a candidate in none of them passes. Rules of the kinds `score` and
            `budget` have none: they are about the numbers that arbitration computes.
    """

    name: str
    kind: str
    description: str
    parts: tuple[ScopedExpression, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledWeight:
    """A factor on some candidates, where its condition holds; without one, always."""

    name: str
    factor: float
    columns: Columns
    condition: ScopedExpression | None


@dataclass(frozen=True, slots=True)
class CompiledBudget:
    """A budget with the candidates that use it.

    Attributes:
        charge: How much one contact or acceptance uses; None where the formula does not compile, and then there is
            nothing left for anybody.
        bit: Position of its rule.
    """

    budget: Budget
    columns: Columns
    charge: ScopedExpression | None
    bit: int


@dataclass(frozen=True, eq=False)
class CompiledPolicy:
    """Everything `decide` needs to know beside features and scores.

    Attributes:
        rules: In the order in which they are asked; the position is the rule's bit in a verdict.
        personalised: Whose offers may be chosen from what is known of them; None for everybody's.
        values: Formula of each offer over its candidates.
        budgets: What is scarce.
        scored: Positions of the commercial candidates, which need a score, a value and the least priority.
        ignored: Shape (arms, words), bits of the rules that do not count for customers of each arm.
        channels: Channels that at least one candidate is in, in the vocabulary's order.
        time_zone: In which offers are valid and hours count.
        features: Names that a feature table must have.
        assumed: Feature -> value of customers of whom nothing is known; None where the bank declares no cold start.
        digest: Of the policy, the budgets, the offers and the vocabulary: equal digests decide equally on equal
            features, requests, prices and remaining budgets.
    """

    policy: Policy
    candidates: Candidates
    names: SymbolTable
    rules: tuple[CompiledRule, ...]
    personalised: ScopedExpression | None
    values: tuple[ScopedExpression, ...]
    budgets: tuple[CompiledBudget, ...]
    scored: Columns
    ignored: NDArray[np.uint64]
    context: tuple[CompiledWeight, ...]
    levers: tuple[CompiledWeight, ...]
    channels: tuple[str, ...]
    time_zone: tzinfo
    features: frozenset[str]
    assumed: Mapping[str, float] | None
    digest: str

    @cached_property
    def sources(self) -> ColumnLayout:
        """Where the values of names are found in a table of features."""
        return ColumnLayout(self.names, self.features)

    def bit(self, rule: str) -> int:
        """Position of a rule among the rules, which is its bit in a verdict."""
        return self._bits[rule]

    @cached_property
    def outbound(self) -> tuple[str, ...]:
        """Channels in which the bank contacts customers, in the policy's order."""
        return tuple(channel for channel in self.policy.outbound if channel in self.channels)

    @cached_property
    def asked(self) -> tuple[tuple[tuple[int, ScopedExpression | None], ...], ...]:
        """The rules about each candidate: their positions, with the condition where it is not about numbers."""
        about_numbers: dict[int, Columns] = {budget.bit: budget.columns for budget in self.budgets}
        asked: list[list[tuple[int, ScopedExpression | None]]] = [[] for _ in self.candidates.pairs]
        for position, rule in enumerate(self.rules):
            for part in rule.parts:
                for column in part.columns:
                    asked[column].append((position, part))
            if rule.kind in {SCORE, BUDGET}:
                for column in about_numbers.get(position, self.scored):
                    asked[column].append((position, None))
        return tuple(map(tuple, asked))

    @cached_property
    def places(self) -> tuple[Mapping[int, ScopedExpression | None], ...]:
        """For each candidate, the position of a rule about it -> the condition, where it is not about numbers."""
        return tuple(map(dict, self.asked))

    def worded(self, part: ScopedExpression, values: Sequence[float]) -> str:
        """Say why a condition does not hold where it does not: once for values that are met often.

        Args:
            part: Of one of the rules.
            values: Of its names, in their order.
        """
        key = (id(part), *(None if value != value else value for value in values))  # noqa: PLR0124  NaN
        reason = self._reasons.get(key)
        if reason is None:
            if len(self._reasons) >= REASONS_KEPT:
                self._reasons.clear()
            row = dict(zip(part.names, values, strict=True))
            self._reasons[key] = reason = part.expression.why_not(row)
        return reason

    @cached_property
    def _reasons(self) -> dict[tuple[float | None, ...], str]:
        return {}

    @cached_property
    def _bits(self) -> Mapping[str, int]:
        return {rule.name: position for position, rule in enumerate(self.rules)}
