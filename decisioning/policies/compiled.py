"""The compiled policy: everything `decide` needs beside features and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.budgets.budget import Budget
from decisioning.policies.candidates import Candidates, Columns
from decisioning.policies.evaluation_context import ColumnLayout
from decisioning.policies.policy import Policy
from decisioning.policies.policy_program import PolicyProgram
from decisioning.policies.scoped_expression import ScopedExpression
from decisioning.policies.symbol_table import SymbolTable
from expressions.operand import Checked

SCORE: Final = "score"
"""Kind of the rules on scores; they are checked after those of the policy."""

PAUSE: Final = "pause"
"""Kind of the rules that pauses become; they are checked before those of the policy."""

BUDGET: Final = "budget"
"""Kind of the rules on remaining budgets; they are checked last."""

REASONS_KEPT: Final = 50_000
"""Size of the cache of reason texts; about ten megabytes."""

SCORED: Final = "scored"
VALUE_KNOWN: Final = "value_known"
MINIMUM_PRIORITY: Final = "minimum_priority"
HOLDOUT: Final = "holdout"
VALID: Final = "valid"
STAGE: Final = "stage"
STEP: Final = "step"
BUILT_IN_RULES: Final[Mapping[str, str]] = {
    HOLDOUT: "The customer is not in the holdout",
    VALID: "The offer is valid on this day",
    STAGE: "The offer serves the customer's lifecycle stage",
    STEP: "The offer serves the customer's step with the product",
    SCORED: "The model gave a probability between 0 and 1",
    VALUE_KNOWN: "The value of an acceptance could be computed",
    MINIMUM_PRIORITY: "The priority reaches the minimum",
}
"""Rules of every policy, beside `consent_<channel>` for every channel that needs consent."""


def consent_rule(channel: str) -> str:
    """Return the name of the rule that a channel's consent condition becomes."""
    return f"consent_{channel}"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its compiled conditions.

    Attributes:
        kind: `pause`, or one of `RULE_ORDER`, or `score`, or `budget`.
        parts: Conditions on disjoint sets of candidates; a candidate in none of them passes. Rules of the kinds
            `score` and `budget` have none: arbitration evaluates them.
    """

    name: str
    kind: str
    description: str
    parts: tuple[ScopedExpression, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledWeight:
    """A factor on some candidates, applied where its condition holds; always if it has none."""

    name: str
    factor: float
    columns: Columns
    condition: ScopedExpression | None


@dataclass(frozen=True, slots=True)
class CompiledBudget:
    """A budget with the candidates that use it.

    Attributes:
        charge: Amount that one contact or acceptance uses; None if the formula does not compile, and then nothing is
            left for anybody.
        bit: Position of the budget's rule.
    """

    budget: Budget
    columns: Columns
    charge: ScopedExpression | None
    bit: int


@dataclass(frozen=True, eq=False)
class CompiledPolicy:
    """Everything `decide` needs beside features and scores.

    Attributes:
        rules: In the order in which they are checked; a rule's position is its bit in a verdict.
        personalised: Condition on customers whose offers may be personalised; None for all customers.
        values: Value formula of each offer, over its candidates.
        budgets: The bank's budgets.
        scored: Positions of the commercial candidates, which need a score, a value and the minimum priority.
        ignored: Shape (arms, words), bits of the rules that do not count in each arm.
        channels: Channels with at least one candidate, in the vocabulary's order.
        time_zone: The bank's time zone, for validity dates and hours.
        features: Names that a feature table must have.
        assumed: Feature values assumed for customers about whom nothing is known; None if the bank declares no cold
            start.
        digest: Digest of the policy, the budgets, the offers and the vocabulary: equal digests give equal decisions on
            equal features, requests, prices and remaining budgets.
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
        """Where the values of names are found in a feature table."""
        return ColumnLayout(self.names, self.features)

    @cached_property
    def program(self) -> PolicyProgram:
        """All expressions as one program.

        Raises:
            ExpressionError: An expression uses what programs cannot compute.
        """
        return PolicyProgram(self)

    def bit(self, rule: str) -> int:
        """Return the position of a rule, which is its bit in a verdict."""
        return self._bits[rule]

    @cached_property
    def outbound(self) -> tuple[str, ...]:
        """Outbound channels with candidates, in the policy's order."""
        return tuple(channel for channel in self.policy.outbound if channel in self.channels)

    @cached_property
    def asked(self) -> tuple[tuple[tuple[int, ScopedExpression | None], ...], ...]:
        """Positions of the rules on each candidate, each with its condition; None for rules on scores and budgets."""
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
        """For each candidate, its rules' conditions by the rule's position; None for rules on scores and budgets."""
        return tuple(map(dict, self.asked))

    def worded(self, part: ScopedExpression, values: Sequence[float]) -> str:
        """Explain why a condition does not hold for these values; frequent explanations are cached.

        Args:
            part: Condition of one of the rules.
            values: Values of the condition's names, in their order.
        """
        key = (id(part), *[None if value != value else value for value in values])  # noqa: PLR0124  NaN
        reason = self._reasons.get(key)
        if reason is None:
            if len(self._reasons) >= REASONS_KEPT:
                self._reasons.clear()
            # of numpy, as operands expect what is not checked again
            row = Checked(zip(part.names, map(np.float64, values), strict=True))
            self._reasons[key] = reason = part.expression.why_not(row)
        return reason

    @cached_property
    def _reasons(self) -> dict[tuple[float | None, ...], str]:
        return {}

    @cached_property
    def _bits(self) -> Mapping[str, int]:
        return {rule.name: position for position, rule in enumerate(self.rules)}
