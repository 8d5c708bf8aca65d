"""Verdicts: which rules every candidate fails, one bit for each rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.candidates import Columns

Bits = NDArray[np.uint64]

BITS_PER_WORD = 64
PASSED = -1
"""Value in place of the first failing rule where no rule failed."""


def words_for(rules: int) -> int:
    """Return how many 64-bit words hold the verdicts of this many rules.

    Example:
        >>> words_for(0), words_for(64), words_for(65)
        (1, 1, 2)
    """
    return max(1, -(-rules // BITS_PER_WORD))


def mark(bits: Bits, rule: int, failed: NDArray[np.bool_], columns: Columns | slice = slice(None)) -> None:
    """Set a rule's bit where it failed.

    Args:
        bits: Failing rules, shape (n, m, words); changed in place.
        rule: Position of the rule.
        failed: Whether it failed, shape (n, k), or (n, 1) if the same for all candidates.
        columns: Positions of the k candidates it applies to.
    """
    word, bit = divmod(rule, BITS_PER_WORD)
    if np.count_nonzero(failed):
        bits[:, columns, word] |= failed.astype(np.uint64) << np.uint64(bit)


def first_failing(bits: Bits) -> NDArray[np.int16]:
    """Find the first rule that failed, in the order in which rules are checked.

    Returns:
        Shape (n, m), position of the rule; `PASSED` where none failed.

    Example:
        >>> first_failing(np.array([[[0b1100], [0]]], dtype=np.uint64)).tolist()
        [[2, -1]]
    """
    first = np.full(bits.shape[:2], PASSED, dtype=np.int16)
    for word in reversed(range(bits.shape[2])):
        content = bits[:, :, word]
        lowest = content & (~content + np.uint64(1))
        position = np.bitwise_count(lowest - np.uint64(1)).astype(np.int16) + np.int16(word * BITS_PER_WORD)
        first = np.where(content != 0, position, first)
    return first


def failing_positions(words: Sequence[int]) -> list[int]:
    """Return the positions of the rules whose bits are set in the words of one candidate, in order.

    Example:
        >>> failing_positions([0b101, 0b1])
        [0, 2, 64]
    """
    positions = []
    for word, content in enumerate(words):
        left = content
        while left:
            lowest = left & -left
            positions.append(word * BITS_PER_WORD + lowest.bit_length() - 1)
            left ^= lowest
    return positions


def only_failing(bits: Bits) -> NDArray[np.bool_]:
    """Return which candidates exactly one rule rejects: without that rule they would be allowed."""
    alone: NDArray[np.bool_] = np.bitwise_count(bits).sum(axis=2) == 1
    return alone


def failed(bits: Bits, rule: int) -> NDArray[np.bool_]:
    """Return where one rule failed, shape (n, m)."""
    word, bit = divmod(rule, BITS_PER_WORD)
    answers: NDArray[np.bool_] = (bits[:, :, word] >> np.uint64(bit)) & np.uint64(1) == 1
    return answers
