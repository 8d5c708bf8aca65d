"""Programs: many expressions as few calls of numpy, over a matrix with one row for each intermediate result.

An expression alone takes a call of numpy for each of its operations, and for one customer a call costs far more than
the operation. A program takes all operations that are alike and ready at the same time in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from expressions.symbols import Graph, ProgramStep, Symbol
from expressions.types import Array

Rows = slice | NDArray[np.intp]
"""Rows of a matrix: next to each other, or anywhere."""

Matrices = tuple[Array, NDArray[np.bool_]]
"""Numbers and masks, each with one row for each result and one column for each customer."""

BLOCK: Final = 4_096
"""Customers computed together, so that memory is bounded."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of numpy: a function of rows, into rows next to each other.

    Attributes:
        arguments: For each argument, whether it is of masks, and its rows.
        is_mask: Whether the results are masks.
        results: Rows of the results.
    """

    function: Callable[..., Any]
    arguments: tuple[tuple[bool, Rows], ...]
    is_mask: bool
    results: slice


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Computes many results for n customers.

    Attributes:
        inputs: Names of the inputs.
        results: Rows of the results, of numbers and of masks, each in the order in which they were asked for.
    """

    inputs: tuple[Hashable, ...]
    results: tuple[Rows, Rows]
    _constants: Matrices
    _calls: tuple[Call, ...]
    _heights: tuple[int, int]

    @classmethod
    def of(cls, graph: Graph, results: Sequence[Symbol]) -> Program:
        """Arrange the steps that some results need.

        Example:
            >>> graph = Graph()
            >>> age, income = graph.input("age"), graph.input("income")
            >>> program = Program.of(graph, [age >= 18.0, income / 12.0, income >= 1000.0])
            >>> program.inputs, program.run(np.array([[17.0], [24000.0]]))
            (('age', 'income'), (array([[2000.]]), array([[False],
                   [ True]])))
        """
        steps = graph.steps
        needed = _needed(steps, [result.position for result in results])
        inputs = [place for place in needed if steps[place].name is not None]
        constants = [place for place in needed if steps[place].constant is not None]
        rows = _RowsOf(steps)
        rows.add(inputs)
        known = [[place for place in constants if steps[place].is_mask == is_mask] for is_mask in (False, True)]
        for places in known:
            rows.add(places)
        calls = []
        for places in _alike(steps, needed, {*inputs, *constants}):
            step = steps[places[0]]
            assert step.function is not None
            arguments = zip(*(steps[place].arguments for place in places), strict=True)
            operands = tuple((steps[argument[0]].is_mask, rows.of(argument, once=True)) for argument in arguments)
            calls.append(Call(step.function, operands, step.is_mask, rows.add(places)))
        wanted = [[one.position for one in results if steps[one.position].is_mask == kind] for kind in (False, True)]
        numbers, masks = (np.array([[steps[place].constant] for place in places]).reshape(-1, 1) for places in known)
        return cls(
            tuple(steps[place].name for place in inputs),
            (rows.of(wanted[0]), rows.of(wanted[1])),
            (numbers.astype(np.float64), masks.astype(np.bool_)),
            tuple(calls),
            (rows.heights[0], rows.heights[1]),
        )

    def run(self, inputs: Array) -> Matrices:
        """Compute the results for n customers, who do not depend on each other.

        Args:
            inputs: Shape (inputs, n), finite or NaN.

        Returns:
            The results that are numbers, and those that are masks.
        """
        customers = inputs.shape[1]
        if customers <= BLOCK:
            return self._block(inputs)
        blocks = [self._block(inputs[:, start : start + BLOCK]) for start in range(0, customers, BLOCK)]
        numbers, masks = (np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
        return numbers, masks

    def _block(self, inputs: Array) -> Matrices:
        customers = inputs.shape[1]
        numbers = np.empty((self._heights[0], customers))
        masks = np.empty((self._heights[1], customers), dtype=np.bool_)
        first, (of_numbers, of_masks) = len(self.inputs), self._constants
        numbers[:first] = inputs
        numbers[first : first + len(of_numbers)] = of_numbers
        masks[: len(of_masks)] = of_masks
        matrices = (numbers, masks)
        with np.errstate(all="ignore"):
            for call in self._calls:
                operands = [matrices[is_mask][rows] for is_mask, rows in call.arguments]
                results = matrices[call.is_mask][call.results]
                if call.function is np.where:
                    results[...] = np.where(*operands)
                else:
                    call.function(*operands, out=results)
        return numbers[self.results[0]], masks[self.results[1]]


class _RowsOf:
    """The rows in which the results of steps are kept, handed out one after the other."""

    def __init__(self, steps: Sequence[ProgramStep]) -> None:
        self._steps = steps
        self._rows: dict[int, int] = {}
        self.heights = [0, 0]

    def add(self, places: Sequence[int]) -> slice:
        """Hand out rows next to each other to steps of one kind."""
        if not places:
            return slice(0, 0)
        is_mask = self._steps[places[0]].is_mask
        start = self.heights[is_mask]
        self.heights[is_mask] += len(places)
        self._rows.update(zip(places, range(start, self.heights[is_mask]), strict=True))
        return slice(start, self.heights[is_mask])

    def of(self, places: Sequence[int], *, once: bool = False) -> Rows:
        """Return the rows of steps of one kind: a slice where they are next to each other.

        Args:
            places: The steps.
            once: Where all are the same step, return its row once, for numpy to repeat.
        """
        rows = [self._rows[place] for place in places]
        if once and len(set(rows)) == 1:
            return slice(rows[0], rows[0] + 1)
        if rows and rows == list(range(rows[0], rows[0] + len(rows))):
            return slice(rows[0], rows[-1] + 1)
        return np.array(rows, dtype=np.intp)


def _needed(steps: Sequence[ProgramStep], results: Sequence[int]) -> list[int]:
    """Return the steps that some results need, each after its arguments."""
    needed, waiting = set[int](), list(results)
    while waiting:
        place = waiting.pop()
        if place not in needed:
            needed.add(place)
            waiting += steps[place].arguments
    return sorted(needed)


def _alike(steps: Sequence[ProgramStep], needed: Sequence[int], known: set[int]) -> Iterator[list[int]]:
    """Yield the steps to compute, those of one function together that are ready at the same time.

    The function with the most steps that are ready goes first, because others may still get ready meanwhile.
    """
    waiting = [place for place in needed if place not in known]
    done = set(known)
    while waiting:
        ready: dict[tuple[object, bool], list[int]] = {}
        for place in waiting:
            if done.issuperset(steps[place].arguments):
                ready.setdefault((steps[place].function, steps[place].is_mask), []).append(place)
        chosen = max(ready.values(), key=len)
        # in the order of their first arguments, which are then more often next to each other
        chosen.sort(key=lambda place: steps[place].arguments)
        yield chosen
        done.update(chosen)
        waiting = [place for place in waiting if place not in done]
