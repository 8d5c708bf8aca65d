"""Validation of the chunks of a problem."""

from __future__ import annotations

import numpy as np

from decisioning.allocation.problem import CustomerChunk
from domain.errors import DataError
from expressions.types import Array


def check_chunk(chunk: CustomerChunk, resources: int, candidates: int | None) -> None:
    """Check that a chunk matches the problem and holds valid amounts.

    Args:
        chunk: The chunk.
        resources: Number of resources.
        candidates: Number of candidates in the previous chunks; None for the first chunk.

    Raises:
        DataError: If shapes do not match, a gain is +inf, or an allowed candidate's consumption is negative or not
            finite.
    """
    gain = chunk.gain
    if gain.ndim != 2 or gain.dtype != np.float64 or candidates not in {None, gain.shape[1]}:
        wanted = "n" if candidates is None else f"n, {candidates}"
        raise DataError(
            "a chunk's gains have the wrong shape or type",
            got=f"shape {gain.shape} of {gain.dtype}",
            expected=f"shape ({wanted}{', m' if candidates is None else ''}) of float64",
        )
    if len(chunk.consumption) != resources:
        raise DataError(
            "a chunk has the wrong number of consumption arrays",
            got=f"{len(chunk.consumption)} arrays",
            expected=f"{resources}, one for each capacity",
        )
    if chunk.keys is not None and chunk.keys.shape != (len(gain),):
        raise DataError(
            "the number of keys differs from that of customers",
            got=f"shape {chunk.keys.shape}",
            expected=f"({len(gain)},)",
        )
    if np.isposinf(gain).any():
        raise DataError("a gain is infinite", expected="finite numbers, and -inf or NaN where not allowed")
    for resource, amounts in enumerate(chunk.consumption):
        _check_amounts(amounts, gain, resource)


def _check_amounts(amounts: Array, gain: Array, resource: int) -> None:
    if amounts.shape not in {gain.shape, gain.shape[1:]}:
        raise DataError(
            f"consumption of resource {resource} has the wrong shape",
            got=f"shape {amounts.shape}",
            expected=f"{gain.shape[1:]} or {gain.shape}",
        )
    wrong = ~((amounts >= 0) & (amounts < np.inf))
    if wrong.any() and amounts.ndim == 2:
        wrong &= gain > -np.inf  # a forbidden candidate's consumption may be unknown, like its propensity
    if wrong.any():
        raise DataError(
            f"consumption of resource {resource} is invalid",
            got=str(amounts[wrong].flat[0]),
            expected="finite numbers of at least 0 for every allowed candidate",
        )
