"""The base model of propensity: a hierarchical logistic regression over customer, offer and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from features.table import FeatureTable
from models.encoding import Encoding
from models.propensity.families import Families, Pair, member_of
from models.propensity.groups import Groups
from models.propensity.impressions import Impressions

_REMEMBERED = 1_024
"""Size of the cache of pair lists: enough for the channels and single pairs of a few policies."""
_FEW_TERMS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPairs:
    """Everything about m pairs that scoring needs and that does not depend on the customer.

    Attributes:
        weights: Shape (1 + varying, m): intercept first, then weights of the varying columns.
        members: Dimension of the family columns -> distinct members, such as the products of the pairs.
        member_of: Dimension -> shape (m,), position of each pair's member.
        rows: Shape (m, columns of groups), place of each pair in the hierarchy.
        codes: Shape (m, attributes + 3), columns for the trees.
    """

    pairs: tuple[Pair, ...]
    weights: Array
    members: Mapping[str, tuple[str | None, ...]]
    member_of: Mapping[str, NDArray[np.intp]]
    rows: Array
    codes: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A fitted base model.

    Attributes:
        varying: Customer columns whose weights differ by offer, product, attribute and channel.
        common: Customer columns with a single weight.
        family: Columns about the candidate's own product and channel.
        theta: Shape (1 + varying, columns of groups): intercepts first, then weights.
        gamma: Shape (common + family,).
        precisions: Precisions of the prior, by block.
    """

    groups: Groups
    families: Families
    varying: Encoding
    common: Encoding
    family: Encoding
    theta: Array
    gamma: Array
    precisions: Array
    _placed: dict[tuple[tuple[int, str | None], ...], PlacedPairs] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _of_dimension: dict[str, tuple[Encoding, Array]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _labels: dict[tuple[str, ...], NDArray[np.intp]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def log_odds(self, features: FeatureTable, family: Mapping[str, Array], placed: PlacedPairs) -> Array:
        """Score n customers for m pairs, shape (n, m); bit for bit the same alone as in a batch.

        Args:
            features: Features of the customers.
            family: Result of `families.columns` for the customers and the pairs' members.
            placed: The pairs.
        """
        rows = len(features)
        scores = _sum_in_order(_matrix(self.varying, features.columns, rows), placed.weights[1:])
        scores += placed.weights[0]
        scores += _sum_in_order(_matrix(self.common, features.columns, rows), self.gamma[: len(self.common), None])
        for dimension, members in placed.members.items():
            by_member = self._by_member(dimension, family, rows, len(members))
            scores += by_member[:, placed.member_of[dimension]]
        return scores

    def placed(self, pairs: Sequence[Pair]) -> PlacedPairs:
        """Return what scoring needs of pairs alone; cached for repeated pairs."""
        key = tuple((id(offer), channel) for offer, channel in pairs)
        found = self._placed.get(key)
        if found is None:
            if len(self._placed) >= _REMEMBERED:
                self._placed.clear()
            of_pairs = {one: [member_of(one, pair) for pair in pairs] for one in self.families.dimensions}
            members = {one: tuple(dict.fromkeys(of_pair)) for one, of_pair in of_pairs.items()}
            found = self._placed[key] = PlacedPairs(
                pairs=tuple(pairs),  # keeps the offers alive, whose ids are the key
                weights=_sum_in_order(self.theta, self.groups.rows(pairs).T),
                members=members,
                member_of={
                    one: np.array([members[one].index(member) for member in of_pair], dtype=np.intp)
                    for one, of_pair in of_pairs.items()
                },
                rows=self.groups.rows(pairs),
                codes=self.groups.codes(pairs),
            )
        return found

    def _by_member(self, dimension: str, family: Mapping[str, Array], rows: int, members: int) -> Array:
        """Score the family columns of each customer and member of a dimension, shape (rows, members)."""
        if dimension not in self._of_dimension:
            of_column = [self.families.dimension_of[name] for name in self.family.features]
            places = np.flatnonzero(np.array(of_column, dtype=object) == dimension)
            weights = self.gamma[len(self.common) + places]
            self._of_dimension[dimension] = self.family.select(places), weights[:, None]
        encoding, weights = self._of_dimension[dimension]
        flat = {name: family[name].reshape(-1) for name in dict.fromkeys(encoding.features)}
        return _sum_in_order(_matrix(encoding, flat, rows * members), weights).reshape(rows, members)

    def row_log_odds(self, rows: Impressions) -> Array:
        """Score impressions, each for its own pair, shape (n,)."""
        placed = self.groups.rows(rows.pairs)
        columns = rows.features.columns
        scores: Array = (placed @ self.theta[0])[rows.pair]
        varying = _matrix(self.varying, columns, len(rows))
        scores += np.einsum("nk,nk->n", varying, (placed @ self.theta[1:].T)[rows.pair])
        scores += _matrix(self.common, columns, len(rows)) @ self.gamma[: len(self.common)]
        scores += _matrix(self.family, rows.family, len(rows)) @ self.gamma[len(self.common) :]
        return scores

    def row_contributions(
        self, columns: Mapping[str, Array], family: Mapping[str, Array], placed: Array, names: tuple[str, ...]
    ) -> tuple[Array, Array]:
        """Split the log-odds of n rows, each with a pair, into parts.

        Args:
            columns: Features, shape (n,) each.
            family: Result of `families.of_rows` for the pairs.
            placed: The pairs' `PlacedPairs.rows`, shape (n, columns of groups).
            names: Names of the parts: features, family columns, attributes, product, offer, channel.

        Returns:
            The part of each name, shape (n, len(names)), and the global intercept, shape (n,).
        """
        weights = placed @ self.theta[1:].T
        parts = (
            placed[:, 1:] * self.theta[0, 1:],
            _matrix(self.varying, columns, len(placed)) * weights,
            _matrix(self.common, columns, len(placed)) * self.gamma[: len(self.common)],
            _matrix(self.family, family, len(placed)) * self.gamma[len(self.common) :],
        )
        by_name = np.zeros((len(names), len(placed)))
        np.add.at(by_name, self._part_positions(names), np.concatenate(parts, axis=1).T)
        return by_name.T, placed[:, 0] * self.theta[0, 0]

    def _part_positions(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the position among the names under which each column is reported."""
        if names not in self._labels:
            groups = self.groups
            labels = (
                *("product" for _ in groups.products),
                *(f"offer_{name}" for name in groups.attributes),
                *("offer" for _ in groups.offers),
                *("channel" for _ in groups.channels),
                *(name for encoding in (self.varying, self.common, self.family) for name in encoding.features),
            )
            place = {name: at for at, name in enumerate(names)}
            self._labels[names] = np.array([place[label] for label in labels], dtype=np.intp)
        return self._labels[names]

    def to_json(self) -> dict[str, Any]:
        """Return the model as JSON-compatible values."""
        return {
            "groups": self.groups.to_json(),
            "families": self.families.to_json(),
            "varying": self.varying.to_json(),
            "common": self.common.to_json(),
            "family": self.family.to_json(),
            "theta": self.theta.tolist(),
            "gamma": self.gamma.tolist(),
            "precisions": self.precisions.tolist(),
        }

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Base:
        """Read a model from `to_json` output."""
        return cls(
            groups=Groups.from_json(parts["groups"]),
            families=Families.from_json(parts["families"]),
            varying=Encoding.from_json(parts["varying"]),
            common=Encoding.from_json(parts["common"]),
            family=Encoding.from_json(parts["family"]),
            theta=np.array(parts["theta"], dtype=np.float64),
            gamma=np.array(parts["gamma"], dtype=np.float64),
            precisions=np.array(parts["precisions"], dtype=np.float64),
        )


def _matrix(encoding: Encoding, columns: Mapping[str, Array], rows: int) -> Array:
    return encoding.matrix(columns) if len(encoding) else np.empty((rows, 0))


def _sum_in_order(left: Array, right: Array) -> Array:
    """Matrix product whose sums run in the order of the columns, whatever the number of rows.

    The summation order of a BLAS matrix product depends on the shapes, so that a customer alone would differ in the
    last bit from the same customer in a batch.
    """
    rows, terms = left.shape
    columns = right.shape[1]
    if terms and rows * terms * columns <= _FEW_TERMS:
        # sums in order too, in one call; adding 0.0 turns -0.0 into 0.0, as the loop does
        summed: Array = np.add.accumulate(left[:, :, None] * right[None], axis=1)[:, -1] + 0.0
        return summed
    total = np.zeros((rows, columns))
    for position in range(terms):
        total += left[:, position, None] * right[position]
    return total
