"""The program of a policy: all its rules, values, weights and charges as one program, for every candidate at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.evaluation_context import ColumnLayout
from decisioning.policies.scoped_expression import ScopedExpression
from decisioning.policies.verdicts import BITS_PER_WORD, Bits, words_for
from expressions.operand import Checked
from expressions.program import Program
from expressions.symbols import Graph, Symbol
from expressions.types import Array

if TYPE_CHECKING:
    from decisioning.policies.compiled import CompiledPolicy, CompiledWeight

HALF: Final = 32
"""Bits of half a word; so many are summed exactly as a number."""


@dataclass(frozen=True, slots=True, eq=False)
class PolicyAnswers:
    """What a policy's expressions say of n customers and m candidates.

    Attributes:
        failing: Shape (n, m, words): bit b of word w is set if rule 64 w + b failed. A condition that is NULL or cannot
            be computed fails: rules fail closed. Rules of the kinds `score` and `budget` are not among them; `mark`
            sets their bits.
        value: Shape (n, m), value of an acceptance; NaN where it cannot be computed.
        context: Shape (n, m), product of the context weights that apply.
        lever: Shape (n, m), product of the levers that apply.
        charges: For each budget, shape (n, its candidates): what one contact or acceptance uses.
        personalised: Shape (n,), whether offers may be personalised.
    """

    failing: Bits
    value: Array
    context: Array
    lever: Array
    charges: tuple[Array, ...]
    personalised: NDArray[np.bool_]


class PolicyProgram:
    """The program of a policy.

    Args:
        policy: The compiled policy.

    Raises:
        ExpressionError: An expression uses what programs cannot compute.
    """

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        tracing = _Tracing(policy.sources)
        truths: dict[int, tuple[Symbol, list[tuple[int, int]]]] = {}
        for rule, compiled in enumerate(policy.rules):
            for part in compiled.parts:
                for column, symbol in tracing.truths(part).items():
                    truths.setdefault(symbol.position, (symbol, []))[1].append((rule, column))
        candidates = len(policy.candidates)
        values: dict[int, Any] = dict.fromkeys(range(candidates), np.nan)
        for formula in policy.values:
            values |= tracing.values(formula)
        charges = [tracing.values(budget.charge) if budget.charge else {} for budget in policy.budgets]
        numbers = [
            *(values[column] for column in range(candidates)),
            *tracing.product(policy.context, candidates),
            *tracing.product(policy.levers, candidates),
            *(charge[column] for charge in charges for column in charge),
        ]
        personalised = [] if policy.personalised is None or not candidates else [tracing.truths(policy.personalised)[0]]
        masks = [*(symbol for symbol, _ in truths.values()), *personalised]
        self._program = Program.of(tracing.graph, [*map(tracing.graph.symbol, numbers), *masks])
        self._inputs = np.array(self._program.inputs, dtype=np.intp)
        ends = np.cumsum([candidates] * 3 + [len(charge) for charge in charges])
        self._parts = [slice(start, end) for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
        self._words = words_for(len(policy.rules))
        # which bits a failing condition sets: the conditions that fail, as 0 and 1, times this matrix are the bits
        self._bits = np.zeros((len(truths), candidates, self._words * BITS_PER_WORD // HALF))
        for row, (_, places) in enumerate(truths.values()):
            for rule, column in places:
                half, bit = divmod(rule, HALF)
                self._bits[row, column, half] += 2.0**bit

    def run(self, rows: Array) -> PolicyAnswers:
        """Evaluate everything.

        Args:
            rows: Values of n customers as laid out by the policy's `ColumnLayout`, shape (rows, n).
        """
        numbers, masks = self._program.run(rows[self._inputs])
        value, context, lever, *charges = (np.ascontiguousarray(numbers[part].T) for part in self._parts)
        return PolicyAnswers(
            failing=self._failing(masks[: len(self._bits)]),
            value=value,
            context=context,
            lever=lever,
            charges=tuple(charges),
            personalised=masks[-1] if len(masks) > len(self._bits) else np.ones(rows.shape[1], dtype=np.bool_),
        )

    def _failing(self, held: NDArray[np.bool_]) -> Bits:
        conditions, candidates, halves = self._bits.shape
        failed = (~held.T).astype(np.float64)
        words = (failed @ self._bits.reshape(conditions, candidates * halves)).astype(np.uint64)
        low, high = words.reshape(len(failed), candidates, self._words, 2).transpose(3, 0, 1, 2)
        bits: Bits = low | (high << np.uint64(HALF))
        return bits


class _Tracing:
    """Traces scoped expressions, once for each of their representatives."""

    def __init__(self, layout: ColumnLayout) -> None:
        self.graph = Graph()
        self._layout = layout

    def values(self, part: ScopedExpression) -> dict[int, Any]:
        """Return the number of each candidate in scope, by its position."""
        found = [part.expression.values(self._names(part, column)) for column in part.representatives.tolist()]
        return {column: found[place] for column, place in part.places_of.items()}

    def truths(self, part: ScopedExpression) -> dict[int, Symbol]:
        """Return whether a condition is TRUE of each candidate in scope, by its position."""
        found = [
            self.graph.symbol(part.expression.truth(self._names(part, column)))
            for column in part.representatives.tolist()
        ]
        return {column: found[place] for column, place in part.places_of.items()}

    def product(self, weights: Sequence[CompiledWeight], candidates: int) -> list[Any]:
        """Return the product of the weights that apply to each candidate."""
        products: list[Any] = [1.0] * candidates
        for weight in weights:
            holds: Mapping[int, Any] = {} if weight.condition is None else self.truths(weight.condition)
            for column in weight.columns.tolist():
                factor = np.where(holds[column], weight.factor, 1.0) if column in holds else weight.factor
                products[column] = products[column] * factor
        return products

    def _names(self, part: ScopedExpression, column: int) -> Checked:
        return Checked({name: self._layout.value(name, column, self.graph.input) for name in part.names})
