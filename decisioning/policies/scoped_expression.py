"""Scoped expressions: expressions on some of the candidates, evaluated once for each distinct situation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.candidates import Columns
from decisioning.policies.evaluation_context import EvaluationContext
from decisioning.policies.symbol_table import SymbolTable
from expressions.expression import Expression
from expressions.operand import Checked
from expressions.types import Array

Anything = TypeVar("Anything", bound=np.generic)


@dataclass(frozen=True, slots=True)
class ScopedExpression:
    """An expression and the candidates it applies to.

    Most rules read only the customer, or the customer and the offer's product, so many candidates share a result.
    One representative of each such group is evaluated, and its result is copied to the others.

    Attributes:
        columns: Shape (k,), positions of the candidates.
        representatives: Shape (r,), position of one candidate for each distinct situation.
        places: Shape (k,), index of the representative of each candidate.
        places_of: The same as a mapping from candidate to index; holds candidates in scope only.
        names: Names that the expression reads.
        picked: These names, each with the positions of the representatives' values among its distinct values; None for
            a name with a single value. Empty if every name has a single value.
    """

    expression: Expression
    columns: Columns
    representatives: Columns
    places: Columns
    places_of: Mapping[int, int]
    names: tuple[str, ...]
    picked: tuple[tuple[str, Columns | None], ...]

    @classmethod
    def of(cls, expression: Expression, columns: Columns, names: SymbolTable) -> ScopedExpression:
        """Find the representatives."""
        used = sorted(expression.names)
        first: dict[tuple[object, ...], int] = {}
        representatives: list[int] = []
        places = np.empty(len(columns), dtype=np.intp)
        for position, column in enumerate(columns):
            key = tuple(names.key(name, int(column)) for name in used)
            if key not in first:
                first[key] = len(representatives)
                representatives.append(int(column))
            places[position] = first[key]
        places_of = {int(column): int(place) for column, place in zip(columns, places, strict=True)}
        chosen = np.array(representatives, dtype=np.intp)
        picked = [(name, names.places(name)[chosen] if len(names.firsts(name)) > 1 else None) for name in used]
        single = all(pick is None for _, pick in picked)
        return cls(expression, columns, chosen, places, places_of, tuple(used), () if single else tuple(picked))

    def values(self, evaluation_context: EvaluationContext) -> Array:
        """Compute numbers for every customer and every candidate in scope.

        Returns:
            Shape (n, k); a dimension is 1 where the result is the same along it.
        """
        return self._spread(self.expression.evaluate(self._columns(evaluation_context)))

    def holds(self, evaluation_context: EvaluationContext) -> NDArray[np.bool_]:
        """Return where the condition is TRUE (not NULL), in the shape of `values`."""
        return self._spread(self.expression.holds(self._columns(evaluation_context)))

    def seen(self, evaluation_context: EvaluationContext, customer: int, candidate: int) -> list[float]:
        """Return the values of the names for one customer and one candidate in scope, to explain a result in words."""
        values = []
        for name, pick in self.picked or ((name, None) for name in self.names):
            known = evaluation_context[name]
            place = 0 if pick is None else pick[self.places_of[candidate]]
            values.append(known.item(customer if len(known) > 1 else 0, place))
        return values

    def _columns(self, evaluation_context: EvaluationContext) -> Checked:
        if not self.picked:
            return evaluation_context
        return Checked(
            {
                name: evaluation_context[name] if pick is None else evaluation_context[name][:, pick]
                for name, pick in self.picked
            }
        )

    def _spread(self, answers: NDArray[Anything]) -> NDArray[Anything]:
        """Copy the representatives' results to all candidates in scope; a constant has one, of no dimension."""
        whole = answers if answers.ndim else answers.reshape(1, 1)
        return whole if whole.shape[1] == 1 else whole[:, self.places]
