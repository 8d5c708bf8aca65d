"""The base model of propensity: a hierarchical logistic regression over customer, offer and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from models.encoding import Encoding, fit_encoding
from models.propensity.families import Families
from models.propensity.feature_selection import select_features
from models.propensity.groups import BLOCKS, Groups, groups_of
from models.propensity.hierarchical import Design, Fitted, fit_hierarchical
from models.propensity.impressions import Impressions, Pair

_COMMON_COLUMNS = 80
_VARYING_COLUMNS = 20
"""More columns cost time and find nothing that the trees on top do not."""
_SELECTION_ROWS = 30_000
_FIRST_PRECISIONS = {
    "level": (1.0, 1.0, 1.0, 1.0, 1.0),
    "slope": (20.0, 50.0, 50.0, 100.0, 100.0),
    "family": (10.0,),
}
"""Initial precisions, by level of pooling: finer levels are shrunk harder until re-estimated from data."""


_REMEMBERED = 1_024
"""Size of the cache of pair lists: enough for the channels and single pairs of a few policies."""
_FEW_TERMS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPairs:
    """Everything about m pairs that scoring needs and that does not depend on the customer.

    Attributes:
        weights: Shape (1 + varying, m): intercept first, then weights of the varying columns.
        products: Distinct products.
        product_of: Shape (m,), position of each pair's product.
        rows: Shape (m, columns of groups), place of each pair in the hierarchy.
        codes: Shape (m, attributes + 3), columns for the trees.
    """

    pairs: tuple[Pair, ...]
    weights: Array
    products: tuple[str | None, ...]
    product_of: NDArray[np.intp]
    rows: Array
    codes: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A fitted base model.

    Attributes:
        varying: Customer columns whose weights differ by offer, product, attribute and channel.
        common: Customer columns with a single weight.
        family: Columns about the offer's own product.
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
    _labels: dict[tuple[str, ...], NDArray[np.intp]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def log_odds(self, columns: Mapping[str, Array], family: Mapping[str, Array], placed: PlacedPairs) -> Array:
        """Score n customers for m pairs, shape (n, m); bit for bit the same alone as in a batch.

        Args:
            columns: Features of the customers.
            family: Result of `families.columns` for the customers and the pairs' products.
            placed: The pairs.
        """
        scores = _sum_in_order(self.varying.matrix(columns), placed.weights[1:])
        scores += placed.weights[0]
        scores += _sum_in_order(self.common.matrix(columns), self.gamma[: len(self.common), None])
        scores += self._by_product(family, len(scores), len(placed.products))[:, placed.product_of]
        return scores

    def placed(self, pairs: Sequence[Pair]) -> PlacedPairs:
        """Return what scoring needs of pairs alone; cached for repeated pairs."""
        key = tuple((id(offer), channel) for offer, channel in pairs)
        found = self._placed.get(key)
        if found is None:
            if len(self._placed) >= _REMEMBERED:
                self._placed.clear()
            products = tuple(dict.fromkeys(offer.product for offer, _ in pairs))
            found = self._placed[key] = PlacedPairs(
                pairs=tuple(pairs),  # keeps the offers alive, whose ids are the key
                weights=_sum_in_order(self.theta, self.groups.rows(pairs).T),
                products=products,
                product_of=np.array([products.index(offer.product) for offer, _ in pairs], dtype=np.intp),
                rows=self.groups.rows(pairs),
                codes=self.groups.codes(pairs),
            )
        return found

    def _by_product(self, family: Mapping[str, Array], rows: int, products: int) -> Array:
        """Score the family columns of each customer and product, shape (rows, products)."""
        flat = {name: values.reshape(-1) for name, values in family.items()}
        encoded = _matrix(self.family, flat, rows * products)
        return _sum_in_order(encoded, self.gamma[len(self.common) :, None]).reshape(rows, products)

    def row_log_odds(self, rows: Impressions) -> Array:
        """Score impressions, each for its own pair, shape (n,)."""
        placed = self.groups.rows(rows.pairs)
        columns = rows.features.columns
        scores: Array = (placed @ self.theta[0])[rows.pair]
        scores += np.einsum("nk,nk->n", self.varying.matrix(columns), (placed @ self.theta[1:].T)[rows.pair])
        scores += self.common.matrix(columns) @ self.gamma[: len(self.common)]
        scores += _matrix(self.family, rows.family, len(rows)) @ self.gamma[len(self.common) :]
        return scores

    def row_contributions(
        self, columns: Mapping[str, Array], family: Mapping[str, Array], placed: Array, names: tuple[str, ...]
    ) -> tuple[Array, Array]:
        """Split the log-odds of n rows, each with a pair, into parts.

        Args:
            columns: Features, shape (n,) each.
            family: Result of `families.of_rows` for the pairs' products.
            placed: The pairs' `PlacedPairs.rows`, shape (n, columns of groups).
            names: Names of the parts: features, family columns, attributes, product, offer, channel.

        Returns:
            The part of each name, shape (n, len(names)), and the global intercept, shape (n,).
        """
        weights = placed @ self.theta[1:].T
        parts = (
            placed[:, 1:] * self.theta[0, 1:],
            self.varying.matrix(columns) * weights,
            self.common.matrix(columns) * self.gamma[: len(self.common)],
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
            "families": {template: dict(by) for template, by in self.families.members.items()},
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
            families=Families(parts["families"]),
            varying=Encoding.from_json(parts["varying"]),
            common=Encoding.from_json(parts["common"]),
            family=Encoding.from_json(parts["family"]),
            theta=np.array(parts["theta"], dtype=np.float64),
            gamma=np.array(parts["gamma"], dtype=np.float64),
            precisions=np.array(parts["precisions"], dtype=np.float64),
        )


def fit_base(
    rows: Impressions, names: Sequence[str], families: Families, seed: int, folds: NDArray[np.int64]
) -> tuple[Base, Array]:
    """Fit on all rows, and again without each fold.

    Args:
        rows: Training impressions.
        names: Features that the model sees.
        families: Features that exist per product.
        seed: Seed of the sample of rows on which columns are selected.
        folds: Fold of each row, shape (n,).

    Returns:
        The base model, and for every row its log-odds from a fit without the row's fold, shape (n,).
    """
    pairs = rows.present_pairs()
    groups = groups_of(
        list({offer.name: offer for offer, _ in pairs}.values()),
        [channel for _, channel in pairs if channel is not None],
    )
    columns = rows.features.columns
    customer = fit_encoding(columns, rows.features.schema, names)
    family = fit_encoding(rows.family, families.schema(rows.features.schema), families.names)
    common_positions, varying_positions = _chosen(rows, customer, groups, seed)
    common, varying = customer.select(common_positions), customer.select(varying_positions)

    order = np.argsort(rows.pair, kind="stable")
    sorted_rows = {name: values[order] for name, values in columns.items()}
    sorted_family = {name: values[order] for name, values in rows.family.items()}
    design = Design(
        np.hstack([np.ones((len(rows), 1)), varying.matrix(sorted_rows)]),
        np.hstack([common.matrix(sorted_rows), _matrix(family, sorted_family, len(rows))]),
        groups.rows(rows.pairs),
        np.searchsorted(rows.pair[order], np.arange(len(rows.pairs) + 1)),
    )
    blocks, precisions = _blocks(groups, len(varying), len(common), len(family))
    y, fold = rows.y[order], folds[order]
    whole = fit_hierarchical(design, y, blocks, precisions, reestimate=True)
    out_of_fold = np.empty(len(rows))
    for left_out in np.unique(fold):
        kept = fold != left_out
        part = fit_hierarchical(design.take(kept), y[kept], blocks, whole.precisions, reestimate=False)
        out_of_fold[order[~kept]] = design.take(~kept).scores(part.weights)
    base = _base(whole, design, groups, families)
    return Base(varying=varying, common=common, family=family, **base), out_of_fold


def _base(fitted: Fitted, design: Design, groups: Groups, families: Families) -> dict[str, Any]:
    theta, gamma = design.split(fitted.weights)
    return {
        "groups": groups,
        "families": families,
        "theta": theta,
        "gamma": gamma,
        "precisions": fitted.precisions,
    }


def _chosen(
    rows: Impressions, customer: Encoding, groups: Groups, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sample = np.sort(np.random.default_rng(seed).permutation(len(rows))[:_SELECTION_ROWS])
    columns = {name: rows.features.columns[name][sample] for name in dict.fromkeys(customer.features)}
    offer_of_pair = np.array(
        [groups.offers.index(offer.name) if offer.name in groups.offers else 0 for offer, _ in rows.pairs],
        dtype=np.int64,
    )
    return select_features(
        customer.matrix(columns),
        rows.y[sample],
        offer_of_pair[rows.pair[sample]],
        common=_COMMON_COLUMNS,
        varying=_VARYING_COLUMNS,
    )


def _blocks(groups: Groups, varying: int, common: int, family: int) -> tuple[NDArray[np.int64], Array]:
    """Return the block of every weight: levels of intercepts, levels of slopes (common ones with global), family."""
    levels = len(BLOCKS)
    intercepts = groups.blocks.copy()
    intercepts[0] = -1
    slopes = np.tile(groups.blocks + levels, varying)
    blocks = np.concatenate([intercepts, slopes, np.full(common, levels), np.full(family, 2 * levels)])
    precisions = np.array([value for values in _FIRST_PRECISIONS.values() for value in values])
    return blocks, precisions


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
