"""Fits base models of propensity: on all rows, and again without some of them at a fraction of the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from models.encoding import Encoding, fit_encoding
from models.labels import LEAST_OF_EACH
from models.propensity.base import Base
from models.propensity.families import Families
from models.propensity.feature_selection import select_features
from models.propensity.groups import BLOCKS, Groups, groups_of
from models.propensity.hierarchical import Design, fit_hierarchical
from models.propensity.impressions import Impressions
from models.propensity.levels import Levels

_COMMON_COLUMNS: Final = 80
_VARYING_COLUMNS: Final = 20
"""More columns cost time and find nothing that the trees on top do not."""
_MOST_WEIGHTS: Final = 2_500
"""With many offers fewer columns vary, down to none: the time of a step grows with the cube of the weights."""
_SELECTION_ROWS: Final = 30_000
_SELECTION_ENTRIES: Final = 20_000_000
"""With thousands of features, columns are selected on fewer rows, so that memory has a bound."""
_ENCODED_ROWS: Final = 50_000
"""Rows that are encoded at a time: in double precision, before they are kept in single precision."""
_FIRST_PRECISIONS: Final = {
    "level": (1.0, 1.0, 1.0, 1.0, 1.0),
    "slope": (20.0, 50.0, 50.0, 100.0, 100.0),
    "family": (10.0,),
}
"""Initial precisions, by level of pooling: finer levels are shrunk harder until re-estimated from data."""

_FEW_OUTCOMES: Final = 20.0
"""Factor of the initial precisions where there are too few outcomes to re-estimate them."""

_Key: TypeAlias = tuple[str, str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSettings:
    """What a base model is fitted with.

    Attributes:
        inputs: Customer features it may read; none for acceptance rates of offers and channels, shrunk to each other.
        families: Features that exist per product or channel; used only with inputs.
        limit: Largest distance of an input from its mean, in standard deviations, at least 1.
        seed: Seed of the sample of rows on which columns are selected.
    """

    inputs: tuple[str, ...]
    families: Families
    limit: float = inf
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Columns of a base model: with weights that vary by offer, with a common weight, and of families."""

    varying: Encoding
    common: Encoding
    family: Encoding

    def limited(self, limit: float) -> _Columns:
        return _Columns(
            varying=self.varying.limited(limit), common=self.common.limited(limit), family=self.family.limited(limit)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedBase:
    """A base model, and the design of all rows, whether it was fitted on them or not."""

    groups: Groups
    families: Families
    columns: _Columns
    design: Design
    order: NDArray[np.intp]
    weights: Array
    precisions: Array

    @property
    def base(self) -> Base:
        """The model."""
        theta, gamma = self.design.split(self.weights)
        return Base(
            groups=self.groups,
            families=self.families,
            varying=self.columns.varying,
            common=self.columns.common,
            family=self.columns.family,
            theta=theta,
            gamma=gamma,
            precisions=self.precisions,
        )

    def encoded(self) -> dict[_Key, NDArray[np.floating[Any]]]:
        """Return the encoded columns, shape (n,) each, in the order of the design."""
        keys = (*_keys(self.columns.common), *_keys(self.columns.family))
        return dict(zip(_keys(self.columns.varying), self.design.varying.T[1:], strict=True)) | dict(
            zip(keys, self.design.common.T, strict=True)
        )

    def log_odds(self) -> Array:
        """Score all rows, shape (n,)."""
        scores = np.empty(len(self.order))
        scores[self.order] = self.design.scores(self.weights)
        return scores


class BaseRows:
    """Impressions, encoded once for all base models that are fitted on them or on some of them.

    Attributes:
        rows: The impressions, shape (n,).
        settings: What the models are fitted with.
    """

    def __init__(self, rows: Impressions, settings: BaseSettings) -> None:
        self.rows, self.settings = rows, settings
        pairs = rows.present_pairs()
        self._groups = groups_of(
            list({offer.name: offer for offer, _ in pairs}.values()),
            [channel for _, channel in pairs if channel is not None],
        )
        schema, families = rows.features.schema, settings.families
        self._customer = fit_encoding(rows.features.columns, schema, settings.inputs)
        names = families.names if settings.inputs else ()
        self._family = fit_encoding(rows.family, families.schema(schema), names)
        self._order = np.argsort(rows.pair, kind="stable")
        self._starts = np.searchsorted(rows.pair[self._order], np.arange(len(rows.pairs) + 1))
        self._levels = Levels(self._groups.rows(rows.pairs), self._groups.of_offers)

    def fit(self, *, left_out: NDArray[np.bool_] | None = None, like: FittedBase | None = None) -> FittedBase:
        """Fit on all rows or without some.

        Args:
            left_out: Rows without which to fit, shape (n,). The precisions of the prior are then those of `like`: a
                handful of numbers that hardly differ, which cost most of the time of a fit.
            like: A fit of the same rows, from whose weights to start.
        """
        columns = self._selected(left_out).limited(self.settings.limit)
        return self._fitted(columns, self._design(columns, like), left_out, like)

    def fit_limited(self, like: FittedBase, limit: float, *, left_out: NDArray[np.bool_] | None = None) -> FittedBase:
        """Fit with the columns of another fit, and another limit of at most that of the other."""
        return self._fitted(like.columns.limited(limit), like.design.limited(limit), left_out, like)

    def out_of_fold(
        self, fitted: FittedBase, folds: NDArray[np.int64], left_out: NDArray[np.bool_] | None = None
    ) -> Array:
        """Return every row's log-odds from a fit without the row's fold, shape (n,).

        Args:
            fitted: A fit on all rows, or on all but those left out, whose scores are those of this fit.
            folds: Fold of each row, shape (n,).
            left_out: Rows without which to fit.
        """
        out = np.zeros(len(folds), dtype=bool) if left_out is None else left_out
        scores = np.empty(len(folds)) if left_out is None else fitted.log_odds()
        for fold in np.unique(folds[~out]):
            held = ~out & (folds == fold)
            scores[held] = self.fit(left_out=out | held, like=fitted).log_odds()[held]
        return scores

    def _fitted(
        self, columns: _Columns, design: Design, left_out: NDArray[np.bool_] | None, like: FittedBase | None
    ) -> FittedBase:
        kept = None if left_out is None else np.logical_not(left_out[self._order])
        y = self.rows.y[self._order]
        blocks, precisions = self._blocks(columns)
        few = like is None and min(y.sum(), len(y) - y.sum()) < LEAST_OF_EACH
        precisions = _FEW_OUTCOMES * precisions if few else precisions if like is None else like.precisions
        fitted = fit_hierarchical(
            design if kept is None else design.take(kept),
            y if kept is None else y[kept],
            blocks,
            precisions,
            reestimate=kept is None and not few,
            start=None if like is None else _carried(like, columns, design),
        )
        return FittedBase(
            groups=self._groups,
            families=self.settings.families,
            columns=columns,
            design=design,
            order=self._order,
            weights=fitted.weights,
            precisions=fitted.precisions,
        )

    def _selected(self, left_out: NDArray[np.bool_] | None) -> _Columns:
        """Select columns by the outcomes of the rows that are not left out."""
        customer = self._customer
        common, varying = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        if len(customer):
            sample, matrix, offer = self._sample
            kept = slice(None) if left_out is None else np.flatnonzero(~left_out[sample])
            common, varying = select_features(
                matrix[kept],
                self.rows.y[sample][kept],
                offer[kept],
                common=_COMMON_COLUMNS,
                varying=max(0, min(_VARYING_COLUMNS, _MOST_WEIGHTS // len(self._groups.blocks) - 1)),
            )
        return _Columns(varying=customer.select(varying), common=customer.select(common), family=self._family)

    @cached_property
    def _sample(self) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.int64]]:
        """Rows on which columns are selected, their encoded features, and their offers."""
        rows, customer = self.rows, self._customer
        most = min(_SELECTION_ROWS, max(1_000, _SELECTION_ENTRIES // len(customer)))
        sample = np.sort(np.random.default_rng(self.settings.seed).permutation(len(rows))[:most])
        matrix = _encode(customer, rows.features.columns, sample)
        place = {name: position for position, name in enumerate(self._groups.offers)}
        of_pair = np.array([place.get(offer.name, 0) for offer, _ in rows.pairs], dtype=np.int64)
        return sample, matrix, of_pair[rows.pair[sample]]

    def _design(self, columns: _Columns, like: FittedBase | None) -> Design:
        """Encode the rows; columns that another fit has are copied."""
        rows, count = self.rows, len(self.rows)
        there = {} if like is None or like.columns.common.limit != columns.common.limit else like.encoded()
        features, family = rows.features.columns, rows.family
        varying = self._encoded(columns.varying, features, there)
        common, own = self._encoded(columns.common, features, there), self._encoded(columns.family, family, there)
        ones = np.ones((count, 1), dtype=np.float32)
        return Design(np.hstack([ones, varying]), np.hstack([common, own]), self._levels, self._starts)

    def _encoded(
        self, encoding: Encoding, columns: Mapping[str, Array], there: Mapping[_Key, NDArray[np.floating[Any]]]
    ) -> NDArray[np.float32]:
        encoded = np.empty((len(self.rows), len(encoding)), dtype=np.float32)
        missing = []
        for place, key in enumerate(_keys(encoding)):
            if key in there:
                encoded[:, place] = there[key]
            else:
                missing.append(place)
        if missing:
            encoded[:, missing] = _encode(encoding.select(np.array(missing)), columns, self._order)
        return encoded

    def _blocks(self, columns: _Columns) -> tuple[NDArray[np.int64], Array]:
        """Return the block of every weight: levels of intercepts, levels of slopes (common: global), families."""
        levels = len(BLOCKS)
        intercepts = self._groups.blocks.copy()
        intercepts[0] = -1
        slopes = np.tile(self._groups.blocks + levels, len(columns.varying))
        common, family = np.full(len(columns.common), levels), np.full(len(columns.family), 2 * levels)
        precisions = np.array([value for values in _FIRST_PRECISIONS.values() for value in values])
        return np.concatenate([intercepts, slopes, common, family]), precisions


def fit_base(rows: Impressions, settings: BaseSettings) -> FittedBase:
    """Fit a base model on impressions."""
    return BaseRows(rows, settings).fit()


def averaged(base: Base, rates: Base, share: float) -> Base:
    """Average the log-odds of a base model and of one without inputs, both fitted on the same impressions.

    Args:
        base: The base model.
        rates: The one without inputs.
        share: Share of the base model.
    """
    theta = share * base.theta
    theta[0] += (1.0 - share) * rates.theta[0]
    return replace(base, theta=theta, gamma=share * base.gamma)


def _encode(encoding: Encoding, columns: Mapping[str, Array], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the encoded columns of some rows."""
    encoded = np.empty((len(places), len(encoding)), dtype=np.float32)
    needed = dict.fromkeys(encoding.features)
    for start in range(0, len(places), _ENCODED_ROWS):
        block = places[start : start + _ENCODED_ROWS]
        encoded[start : start + len(block)] = encoding.matrix({name: columns[name][block] for name in needed})
    return encoded


def _carried(like: FittedBase, columns: _Columns, design: Design) -> Array:
    """Return the weights of another fit, for the columns of this one; 0 for columns that it does not have."""
    theta, gamma = like.design.split(like.weights)
    levels = design.levels.placed.shape[1]
    of_varying = dict(zip(_keys(like.columns.varying), theta[1:], strict=True))
    of_common = dict(zip(_keys(like.columns.common), gamma, strict=False))
    of_family = dict(zip(_keys(like.columns.family), gamma[len(like.columns.common) :], strict=True))
    rows = [theta[0], *(of_varying.get(key, np.zeros(levels)) for key in _keys(columns.varying))]
    single = [of_common.get(key, 0.0) for key in _keys(columns.common)]
    return np.concatenate([*rows, single, [of_family.get(key, 0.0) for key in _keys(columns.family)]])


def _keys(encoding: Encoding) -> Sequence[_Key]:
    return list(zip(encoding.features, encoding.kinds, encoding.codes.tolist(), strict=True))
