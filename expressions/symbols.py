"""Symbols: stand-ins for columns, which record what numpy is asked to do with them instead of doing it.

The compiler's closures are called with symbols once. What they would compute is then known as a list of steps, in
which equal steps are the same one, and steps on constants alone have been computed by numpy itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from domain.errors import ExpressionError
from expressions.types import Array

NUMBERS: Final[frozenset[np.ufunc]] = frozenset(
    {
        *(np.add, np.subtract, np.multiply, np.divide, np.fmod, np.power, np.fmin, np.fmax, np.maximum, np.negative),
        *(np.absolute, np.log, np.log2, np.exp, np.sqrt, np.floor, np.ceil, np.trunc, np.sign),
    }
)
"""Functions of numbers that give numbers."""

COMPARISONS: Final[frozenset[np.ufunc]] = frozenset(
    {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isnan, np.isfinite}
)
"""Functions of numbers that give masks."""

MASKS: Final[dict[np.ufunc, np.ufunc]] = {
    np.logical_and: np.logical_and,
    np.logical_or: np.logical_or,
    np.logical_not: np.logical_not,
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.invert: np.logical_not,
}
"""Functions of masks that give masks, under the name of one of those that do the same."""


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """One step of a graph.

    Attributes:
        function: What is computed: a function of numpy; None for an input or a constant.
        arguments: Positions of the steps whose results are its arguments.
        is_mask: Whether it gives a mask rather than numbers.
        name: Name of an input.
        constant: Value of a constant.
    """

    function: Callable[..., Any] | None
    arguments: tuple[int, ...] = ()
    is_mask: bool = False
    name: Hashable = None
    constant: float | bool | None = None


class Graph:
    """The steps recorded so far, each once."""

    def __init__(self) -> None:
        self.steps: list[ProgramStep] = []
        self._positions: dict[Hashable, int] = {}

    def input(self, name: Hashable) -> Symbol:
        """Return the symbol of an input: a column of numbers, finite or NaN."""
        return self._recorded(("input", name), ProgramStep(None, name=name))

    def symbol(self, value: Any) -> Symbol:
        """Return the symbol of what a closure gave: itself, or a constant of no dimension.

        Raises:
            ExpressionError: It is neither.
        """
        if isinstance(value, Symbol):
            return value
        constant = np.asarray(value)
        if constant.shape != () or constant.dtype.kind not in "bif":
            raise _unknown(f"an array of shape {constant.shape}")
        if constant.dtype.kind == "b":
            return self._recorded(("mask", bool(constant)), ProgramStep(None, is_mask=True, constant=bool(constant)))
        number = float(constant)
        return self._recorded(("number", number.hex()), ProgramStep(None, constant=number))

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Symbol:
        """Record the application of a function to symbols and constants.

        Raises:
            ExpressionError: No program can compute it.
        """
        positions = tuple(self.symbol(argument).position for argument in arguments)
        masks = [self.steps[position].is_mask for position in positions]
        if function is np.where:
            fits, is_mask = masks[0] and masks[1] == masks[2], masks[1]
        elif function in MASKS:
            function, fits, is_mask = MASKS[function], all(masks), True
        else:
            fits, is_mask = function in NUMBERS | COMPARISONS and not any(masks), function in COMPARISONS
        if not fits:
            raise _unknown(getattr(function, "__name__", str(function)))
        return self._recorded((function, positions), ProgramStep(function, positions, is_mask))

    def _recorded(self, key: Hashable, step: ProgramStep) -> Symbol:
        if key not in self._positions:
            self._positions[key] = len(self.steps)
            self.steps.append(step)
        return Symbol(self, self._positions[key])


class Symbol(NDArrayOperatorsMixin):
    """The result of one step; to the closures it is an array.

    Attributes:
        graph: The graph that it belongs to.
        position: Position of its step.
    """

    __slots__ = ("graph", "position")

    def __init__(self, graph: Graph, position: int) -> None:
        self.graph = graph
        self.position = position

    def __array_ufunc__(self, function: np.ufunc, method: str, *arguments: Any, **options: Any) -> Symbol:
        """Record a universal function.

        Raises:
            ExpressionError: No program can compute it.
        """
        if method != "__call__" or options:
            raise _unknown(f"{function.__name__}.{method}")
        return self.graph.apply(function, *arguments)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Symbol:
        """Record `where`, the only other function that programs know.

        Raises:
            ExpressionError: No program can compute it.
        """
        if function is not np.where or options:
            raise _unknown(function.__name__)
        return self.graph.apply(function, *arguments)

    def __array__(self, *_: Any) -> Array:
        """Refuse to be an array: it has no values.

        Raises:
            ExpressionError: Always.
        """
        raise _unknown("a conversion to an array")

    def __bool__(self) -> bool:
        """Refuse to be a truth value: it has none.

        Raises:
            ExpressionError: Always.
        """
        raise _unknown("a decision on a value")


def _unknown(what: str) -> ExpressionError:
    return ExpressionError(
        "an expression uses what its program cannot compute", got=what, expected="functions that `expressions` knows"
    )
