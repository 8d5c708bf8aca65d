"""The survey, the first pass: check every chunk, count the customers and keep a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.allocation.checks import check_chunk
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.policies.draws import Hashes, mixed
from expressions.types import Array

LARGEST_PRICE = 1e150
"""Replaces infinity, since infinity times 0 is NaN; half the largest exponent, so that products stay finite."""

ROUNDED_UP = 1.0 + 2.0**-50
"""Makes sure that rounding does not leave price times consumption below the gain."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Result of the first pass.

    Attributes:
        customers: Number of customers.
        shut_out: Shape (K,), for a resource without capacity the price at which nobody wants it, 0 for others.
        sample: Some customers, chosen by their position alone; all of them if there are few.
    """

    customers: int
    shut_out: Array
    sample: CustomerChunk | None


def survey(problem: AllocationProblem, sample_size: int) -> Survey:
    """Pass over all customers once.

    The sample keeps the positions whose hash is below a threshold, the highest power of two that keeps no more than
    `sample_size`; it does not depend on the chunks.

    Raises:
        DataError: If a chunk does not match the problem or holds invalid amounts.
    """
    customers, candidates = 0, None
    shut_out = np.zeros(problem.resources)
    kept: list[tuple[Hashes, CustomerChunk]] = []
    shift = 0
    for chunk in problem.chunks:
        check_chunk(chunk, problem.resources, candidates)
        candidates = chunk.gain.shape[1]
        for resource in np.flatnonzero(problem.capacity == 0):
            shut_out[resource] = max(shut_out[resource], _highest_ratio(chunk, int(resource)))
        hashes = mixed(np.arange(customers, customers + len(chunk), dtype=np.uint64))
        customers += len(chunk)
        kept.append(_below((hashes, chunk), shift))
        while sum(len(part) for _, part in kept) > sample_size:
            shift += 1
            kept = [_below(one, shift) for one in kept]
    return Survey(customers, shut_out, _joined([part for _, part in kept], problem.resources) if kept else None)


def _below(part: tuple[Hashes, CustomerChunk], shift: int) -> tuple[Hashes, CustomerChunk]:
    hashes, chunk = part
    rows = np.flatnonzero(hashes >> np.uint64(64 - shift) == 0) if shift else np.arange(len(hashes))
    amounts = tuple(one if one.ndim == 1 else one[rows] for one in chunk.consumption)
    return hashes[rows], CustomerChunk(chunk.gain[rows], amounts)


def _joined(parts: list[CustomerChunk], resources: int) -> CustomerChunk:
    amounts = []
    for resource in range(resources):
        pieces = [part.consumption[resource] for part in parts]
        same = all(piece.ndim == 1 and np.array_equal(piece, pieces[0]) for piece in pieces)
        whole = [np.broadcast_to(piece, part.gain.shape) for piece, part in zip(pieces, parts, strict=True)]
        amounts.append(pieces[0].copy() if same else np.concatenate(whole))
    return CustomerChunk(np.concatenate([part.gain for part in parts]), tuple(amounts))


def _highest_ratio(chunk: CustomerChunk, resource: int) -> float:
    """Return the highest gain per unit of a resource over all customers."""
    amounts = np.broadcast_to(chunk.consumption[resource], chunk.gain.shape)
    wanted = (chunk.gain > 0) & (amounts > 0)
    if not wanted.any():
        return 0.0
    with np.errstate(over="ignore"):
        return min(float((chunk.gain[wanted] / amounts[wanted]).max()) * ROUNDED_UP, LARGEST_PRICE)
