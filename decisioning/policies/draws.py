"""Stateless random numbers of customer, name, moment and seed, and the arms that are drawn with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.policy import Factors
from expressions.types import Array

Hashes = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WORD = (1 << 64) - 1


def hashes_of(texts: Iterable[str]) -> Hashes:
    """Hash texts to 64 bits each (BLAKE2b), with the same result in every process and on every machine.

    Example:
        >>> hashes_of(["c1"])[0] == hashes_of(["c2", "c1"])[1]
        np.True_
    """
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def mixed(words: Hashes) -> Hashes:
    """Scramble 64-bit words: the finalizer of SplitMix64 (Steele, Lea and Flood 2014), a bijection."""
    words = words + _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


def uniforms(words: Hashes) -> Array:
    """Map scrambled words to numbers in [0, 1) with 53 random bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def customer_draws(customers: Hashes, names: Sequence[str], as_of: np.datetime64, seed: int) -> Array:
    """Draw one uniform number per customer and name; a name is a channel, a candidate, or another use of chance.

    Args:
        customers: Hashes of the customers' ids (`hashes_of`), shape (n,).
        names: k names. Different names draw independently, and their order does not matter.
        as_of: Decision time, microseconds UTC.
        seed: Any integer.

    Returns:
        Shape (n, k), in [0, 1).

    Example:
        >>> moment = np.datetime64("2026-01-01", "us")
        >>> both = customer_draws(hashes_of(["c1", "c2"]), ["app", "web"], moment, seed=7)
        >>> alone = customer_draws(hashes_of(["c2"]), ["web"], moment, seed=7)
        >>> bool(both[1, 1] == alone[0, 0])
        True
    """
    start = mixed(np.array([seed & _WORD], dtype=np.uint64))
    moment = np.array([as_microseconds(as_of) & _WORD], dtype=np.uint64)
    per_customer = mixed(mixed(customers ^ start) ^ moment)
    return uniforms(mixed(per_customer[:, None] ^ hashes_of(names)[None, :]))


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The random numbers of some customers' decisions.

    Attributes:
        customers: Hashes of the customers' ids, shape (n,).
        as_of: Decision time.
        seed: Seed of the draws.
    """

    customers: Hashes
    as_of: np.datetime64
    seed: int

    def of(self, names: Sequence[str], rows: NDArray[np.intp] | slice = slice(None)) -> Array:
        """Draw a number for each name, for all customers or some: see `customer_draws`."""
        return customer_draws(self.customers[rows], names, self.as_of, self.seed)


def as_microseconds(moment: np.datetime64) -> int:
    """Return the microseconds since 1970, UTC."""
    return int(moment.astype("datetime64[us]").astype(np.int64))


def decision_id(customer_id: str, channel: str, as_of: int, seed: int, digest: str) -> str:
    """Derive a decision's id from its inputs, so that the same request gives the same id.

    Args:
        as_of: Decision time, microseconds since 1970, UTC.
        digest: Digest of the versions of all other inputs.

    Example:
        >>> len(decision_id("c1", "app", 1_767_225_600_000_000, 7, "a0"))
        32
    """
    parts = (customer_id, channel, str(as_of), str(seed), digest)
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


class Arm(IntEnum):
    """How a customer's offers are chosen and ordered.

    Example:
        >>> Arm.RANDOM_OFFER.label
        'random_offer'
    """

    STANDARD = 0
    HOLDOUT = 1
    RANDOM_OFFER = 2
    PROPENSITY_ONLY = 3
    NO_LEVERS = 4
    ELIGIBILITY_ONLY = 5
    RANDOM_PROPENSITY = 6
    NOT_PERSONALISED = 7
    """Not an experiment: the customer's own choice."""

    @property
    def label(self) -> str:
        """The name used in records, reports and configuration."""
        return self.name.lower()


Arms = NDArray[np.int8]

UNIFORM = (Arm.RANDOM_OFFER, Arm.ELIGIBILITY_ONLY)
"""Arms in which every allowed candidate is equally likely to come first."""

RANKED_BY = {
    Arm.PROPENSITY_ONLY: Factors(value=False, context=False, levers=False, costs=False, prices=False),
    Arm.NO_LEVERS: Factors(levers=False),
}
"""Arms whose priority leaves some factors out."""
