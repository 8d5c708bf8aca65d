from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from models.propensity.base_fit import BaseRows, BaseSettings, FittedBase
from models.propensity.families import families_of
from models.propensity.impressions import Impressions, impressions
from tests.models.synthetic import offer_world


@pytest.fixture(scope="module")
def rows() -> Impressions:
    world = offer_world(400, 1500, 6, count=5)
    families = families_of(world.catalogue, world.names, world.offers)
    matured = np.flatnonzero(world.responses.matured)
    return impressions(world.features.take(matured), world.responses.take(matured), world.offers, families)


def table_of(rows: Impressions, limit: float = 10.0) -> BaseRows:
    world = offer_world(400, 10, 6, count=5)
    families = families_of(world.catalogue, world.names, world.offers)
    return BaseRows(rows, BaseSettings(inputs=world.names, families=families, limit=limit))


def third_of(rows: Impressions) -> np.ndarray:
    return np.arange(len(rows)) % 3 == 0


def test_the_scores_of_the_design_are_those_of_the_model(rows: Impressions) -> None:
    fitted = table_of(rows).fit()
    np.testing.assert_allclose(fitted.log_odds(), fitted.base.row_log_odds(rows), atol=1e-4)


def test_outcomes_of_rows_that_are_left_out_change_nothing(rows: Impressions) -> None:
    left_out, like = third_of(rows), table_of(rows).fit()
    other = dataclasses.replace(rows, y=np.where(left_out, 1.0 - rows.y, rows.y))
    one, two = (table_of(each).fit(left_out=left_out, like=like) for each in (rows, other))
    assert one.columns.varying.features == two.columns.varying.features
    np.testing.assert_array_equal(one.weights, two.weights)


def test_where_a_fit_starts_from_does_not_change_it(rows: Impressions) -> None:
    table, left_out = table_of(rows), third_of(rows)
    like = table.fit()
    from_nothing = dataclasses.replace(like, weights=np.zeros(len(like.weights)))
    near, far = (table.fit(left_out=left_out, like=one) for one in (like, from_nothing))
    np.testing.assert_allclose(near.log_odds(), far.log_odds(), atol=1e-3)


def test_a_narrower_limit_is_that_of_the_encoding(rows: Impressions) -> None:
    table = table_of(rows)
    wide = table.fit()
    clipped, encoded = table.fit_limited(wide, 1.5), table_of(rows, limit=1.5).fit(like=wide)

    def within(fitted: FittedBase) -> float:
        return float(np.abs(fitted.design.common).max())

    assert within(wide) > within(clipped) == within(encoded) == 1.5
    np.testing.assert_allclose(clipped.design.common, encoded.design.common, atol=1e-6)
    np.testing.assert_allclose(clipped.log_odds(), clipped.base.row_log_odds(rows), atol=1e-4)


def test_out_of_fold_scores_know_nothing_of_the_fold(rows: Impressions) -> None:
    """Outcomes that are pure chance are told by a fit with them, and not by fits without them."""
    folds, told = np.random.default_rng(5).permutation(len(rows)) % 4, []
    for seed in range(5):
        y = (np.random.default_rng(seed).random(len(rows)) < 0.3).astype(np.float64)
        table = table_of(dataclasses.replace(rows, y=y))
        whole = table.fit()
        scores = whole.log_odds(), table.out_of_fold(whole, folds)
        told.append([np.corrcoef(one, y)[0, 1] for one in scores])
    with_them, without_them = np.mean(told, axis=0)
    assert with_them > 0.15
    assert abs(without_them) < 0.04
