"""An expression about some of the candidates, evaluated no more often than it can differ."""

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
    """An expression and the candidates it is about.

    Most rules look at the customer alone, or at the customer and the offer's product: their answer is the same for
    many candidates. One representative of each such group is evaluated and its answer handed to the others.

    Attributes:
        columns: Shape (k,), positions of the candidates.
        representatives: Shape (r,), one position for each different situation among them.
        places: Shape (k,), which representative answers for each candidate.
        places_of: The same, to look one candidate up; it has those in scope only.
        names: That the expression reads.
        picked: These names, each with the places of the representatives' values among its different ones; None for
            one that has a single value. Empty where all are such.
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

    def values(self, situation: EvaluationContext) -> Array:
        """Compute numbers for every customer and every candidate in scope.

        Returns:
            Shape (n, k), with 1 in place of n or k where it is one for all.
        """
        with np.errstate(all="ignore"):
            return self.values_quietly(situation)

    def values_quietly(self, situation: EvaluationContext) -> Array:
        """Do what `values` does, for a caller who has told numpy to ignore all errors."""
        return self._spread(self.expression.evaluate_quietly(self._columns(situation)))

    def holds(self, situation: EvaluationContext) -> NDArray[np.bool_]:
        """Tell where the condition is TRUE, not NULL; the shape is that of `values`."""
        with np.errstate(all="ignore"):
            return self._spread(self.expression.holds_quietly(self._columns(situation)))

    def fails(self, situation: EvaluationContext) -> NDArray[np.bool_] | None:
        """Tell where the condition is not TRUE; None where it holds for everybody, as most rules do for one customer.

        The caller has told numpy to ignore all errors.
        """
        answers = self.expression.holds_quietly(self._columns(situation))
        if np.count_nonzero(answers) == answers.size:
            return None
        return self._spread(~answers)

    def seen(self, situation: EvaluationContext, customer: int, candidate: int) -> list[float]:
        """Values of the names for one customer and one candidate in scope, by position: for a reason in words."""
        values = []
        for name, pick in self.picked or ((name, None) for name in self.names):
            known = situation[name]
            place = 0 if pick is None else pick[self.places_of[candidate]]
            values.append(known.item(customer if len(known) > 1 else 0, place))
        return values

    def _columns(self, situation: EvaluationContext) -> Checked:
        if not self.picked:
            return situation
        return Checked(
            {name: situation[name] if pick is None else situation[name][:, pick] for name, pick in self.picked}
        )

    def _spread(self, answers: NDArray[Anything]) -> NDArray[Anything]:
        """Hand the answers of the representatives to all in scope; a constant has one, of no dimension."""
        whole = answers if answers.ndim else answers.reshape(1, 1)
        return whole if whole.shape[1] == 1 else whole[:, self.places]
