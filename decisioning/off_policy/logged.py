"""Logged decisions as plain arrays, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from domain.errors import DataError
from expressions.types import Array

TOLERANCE = 1e-6
"""How far a row of probabilities may sum from 1; single precision and rounded logs stay within it."""


@dataclass(frozen=True, slots=True)
class LoggedDecisions:
    """n decisions of a logging policy over k actions, in time order, with what came of them.

    Attributes:
        action: What was chosen, shape (n,), from 0 to k - 1.
        reward: What came of it, shape (n,), in any unit.
        probability: Probability with which the logging policy chose the action, shape (n,).
        target: Probabilities of the evaluated policy, shape (n, k).
        context: What the outcome model may use, shape (n, d); d may be 0.
        unit: Customer of each decision, shape (n,), from 0 without gaps. Decisions of one customer are alike, so
            intervals resample customers.
        units: Number of customers.
        known_reward: Reward of the actions that need no evidence, NaN for the others, shape (k,).
    """

    action: NDArray[np.intp]
    reward: Array
    probability: Array
    target: NDArray[np.floating[Any]]
    context: NDArray[np.floating[Any]]
    unit: NDArray[np.intp]
    units: int
    known_reward: Array

    def __len__(self) -> int:
        return len(self.action)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which actions need no evidence, shape (k,)."""
        return ~np.isnan(self.known_reward)

    @property
    def weight(self) -> Array:
        """How much more often the evaluated policy makes each decision, shape (n,); 0 where its reward is known."""
        chosen: Array = self.target[np.arange(len(self)), self.action].astype(np.float64)
        weight: Array = np.where(self.known[self.action], 0.0, chosen / self.probability)
        return weight

    @property
    def certain(self) -> Array:
        """Probability that the evaluated policy takes an action whose reward is known, shape (n,)."""
        certain: Array = (self.target @ self.known.astype(self.target.dtype)).astype(np.float64)
        return certain

    @property
    def certain_reward(self) -> Array:
        """What the evaluated policy earns by such actions, shape (n,)."""
        rewards = np.where(self.known, self.known_reward, 0.0).astype(self.target.dtype)
        certain: Array = (self.target @ rewards).astype(np.float64)
        return certain


def logged_decisions(
    action: ArrayLike,
    reward: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    *,
    context: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    known_reward: ArrayLike | None = None,
) -> LoggedDecisions:
    """Check arrays and build `LoggedDecisions` from them; see there for shapes.

    Args:
        action: Positions of actions, whole numbers.
        reward: Finite numbers.
        probability: Above 0, at most 1.
        target: Shape (n, k), each row a distribution; or shape (n,) for a policy that always chooses one action, as
            positions.
        context: Shape (n, d) or (n,); NULL (NaN) is allowed.
        customer: Ids of any kind; by default each decision is a customer's only one.
        known_reward: Shape (k,); by default no action's reward is known.

    Raises:
        DataError: Something is missing, of another shape, or cannot be a probability.

    Example:
        >>> logged = logged_decisions([0, 1], [1.0, 0.0], [0.5, 0.5], [[1.0, 0.0], [1.0, 0.0]])
        >>> logged.weight.tolist()
        [2.0, 0.0]
    """
    chosen = _vector("action", action)
    n = len(chosen)
    if not n:
        raise DataError("there are no logged decisions", expected="one row for each decision")
    rewards, logged = _vector("reward", reward, n), _vector("probability", probability, n)
    _refuse("reward", ~np.isfinite(rewards), rewards, "a finite number; leave decisions out whose outcome is not known")
    _refuse("probability", ~((logged > 0.0) & (logged <= 1.0)), logged, "above 0 and at most 1, as the policy drew it")
    distribution = _target(target, n)
    k = distribution.shape[1]
    _refuse("action", ~((chosen >= 0) & (chosen < k) & (chosen == np.floor(chosen))), chosen, f"0 to {k - 1}")
    unit, units = customer_units(customer, n)
    known = np.full(k, np.nan) if known_reward is None else _vector("known_reward", known_reward, k)
    _refuse("known_reward", np.isinf(known), known, "a finite number, or NaN where it is not known")
    action_taken, inputs = chosen.astype(np.intp), _context(context, n)
    return LoggedDecisions(action_taken, rewards, logged, distribution, inputs, unit, units, known)


def _vector(name: str, values: ArrayLike, n: int | None = None) -> Array:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not an array of numbers", got=str(error)) from error
    if array.ndim != 1 or (n is not None and len(array) != n):
        raise DataError(f"{name} has another shape", got=str(array.shape), expected=f"({'n' if n is None else n},)")
    return array


def _target(target: ArrayLike, n: int) -> NDArray[np.floating[Any]]:
    array = np.asarray(target)
    if array.ndim == 1 and len(array) == n and n:
        positions = _vector("target", target, n)
        _refuse("target", ~((positions >= 0) & (positions == np.floor(positions))), positions, "positions of actions")
        return np.eye(int(positions.max()) + 1)[positions.astype(np.intp)]
    if array.ndim != 2 or len(array) != n or not array.shape[1]:
        raise DataError("target has another shape", got=str(array.shape), expected=f"({n}, actions)")
    # single precision is kept: of ten million decisions over 50 actions it saves two gigabytes
    distribution = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    outside = ~(distribution.min(axis=1) >= 0.0)
    _refuse("target", outside, distribution.min(axis=1), "probabilities of 0 to 1")
    total = distribution.sum(axis=1, dtype=np.float64)
    _refuse(
        "target", ~(np.abs(total - 1.0) <= max(TOLERANCE, distribution.shape[1] * 1e-7)), total, "rows that sum to 1"
    )
    return distribution


def _context(context: ArrayLike | None, n: int) -> NDArray[np.floating[Any]]:
    if context is None:
        return np.zeros((n, 0))
    array = np.asarray(context)
    # single precision is kept, and converted slice by slice where it is used
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) != n:
        raise DataError("context has another shape", got=str(array.shape), expected=f"({n}, columns)")
    return array


def customer_units(customer: ArrayLike | None, n: int) -> tuple[NDArray[np.intp], int]:
    """Number the customers of n rows: the position of each row's customer, and how many there are."""
    if customer is None:
        return np.arange(n), n
    ids = np.asarray(customer)
    if ids.shape != (n,):
        raise DataError("customer has another shape", got=str(ids.shape), expected=f"({n},)")
    encoded = pa.array(ids).dictionary_encode()
    if encoded.null_count:
        raise DataError("customer has missing ids", got=f"{encoded.null_count} of {n}", expected="an id for each row")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp), len(encoded.dictionary)


def _refuse(name: str, wrong: NDArray[np.bool_], values: Array, expected: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{name} is not usable in {int(wrong.sum()):,} of {len(wrong):,} rows",
            got=f"{values[first]:g} in row {first}",
            expected=expected,
        )
