from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.propensity.hierarchical import Design, fit_hierarchical
from models.propensity.levels import Levels


def design_of(rows: int, seed: int, leaves: slice = slice(1, 4)) -> tuple[Design, np.ndarray]:
    """Three groups of a hierarchy of one global and three own columns, and the design written out in full."""
    random = np.random.default_rng(seed)
    group = np.sort(random.integers(0, 3, rows))
    varying = np.hstack([np.ones((rows, 1)), random.normal(size=(rows, 2))])
    common = random.normal(size=(rows, 2))
    placed = np.hstack([np.ones((3, 1)), np.eye(3)])
    starts = np.searchsorted(group, np.arange(4))
    full = np.hstack([np.stack([np.kron(varying[row], placed[group[row]]) for row in range(rows)]), common])
    return Design(varying, common, Levels(placed, leaves), starts), full


@pytest.mark.parametrize("leaves", [slice(1, 4), slice(2, 4), slice(0, 0)])
def test_the_structured_sums_are_those_of_the_design_written_out(leaves: slice) -> None:
    design, full = design_of(60, 1, leaves)
    random = np.random.default_rng(2)
    weights, values = random.normal(size=full.shape[1]), random.random(60)
    np.testing.assert_allclose(design.scores(weights), full @ weights)
    np.testing.assert_allclose(design.gradient(values), full.T @ values)
    np.testing.assert_allclose(design.information(values).dense(), full.T @ (values[:, None] * full), atol=1e-12)


@pytest.mark.parametrize("leaves", [slice(1, 4), slice(2, 4), slice(0, 0)])
def test_eliminated_leaves_give_the_inverse_of_the_whole(leaves: slice) -> None:
    design, full = design_of(60, 1, leaves)
    random = np.random.default_rng(2)
    weights, vector, pull = random.random(60), random.normal(size=full.shape[1]), random.random(full.shape[1]) + 0.1
    factored = design.information(weights).plus(pull).factored()
    inverse = np.linalg.inv(full.T @ (weights[:, None] * full) + np.diag(pull))
    np.testing.assert_allclose(factored.solve(vector), inverse @ vector, atol=1e-10)
    np.testing.assert_allclose(factored.variances(), np.diag(inverse), atol=1e-10)


def test_the_optimum_is_that_of_ridge_regression() -> None:
    design, full = design_of(400, 3)
    y = (np.random.default_rng(4).random(400) < expit(full @ np.linspace(-1, 1, full.shape[1]))).astype(float)
    blocks = np.zeros(full.shape[1], dtype=np.int64)
    blocks[0] = -1
    fitted = fit_hierarchical(design, y, blocks, np.array([4.0]), reestimate=False)
    reference = LogisticRegression(C=0.25, tol=1e-10, max_iter=10_000).fit(full[:, 1:], y)
    np.testing.assert_allclose(fitted.weights[1:], reference.coef_[0], atol=1e-4)


def test_offers_that_answer_alike_are_pooled_and_those_that_differ_are_not() -> None:
    design, full = design_of(6000, 5)
    random = np.random.default_rng(6)
    blocks = np.array([-1, 0, 0, 0] + [1, 2, 2, 2] * 2 + [3, 3])
    start = np.array([1.0, 10.0, 10.0, 10.0])

    def precision_of_slopes(difference: float) -> float:
        theta = np.array([[-1.0, 0, 0, 0], [0.5, -difference, 0, difference], [0.5, difference, -difference, 0]])
        truth = full @ np.concatenate([theta.ravel(), [0.3, -0.3]])
        y = (random.random(len(truth)) < expit(truth)).astype(float)
        return float(fit_hierarchical(design, y, blocks, start, reestimate=True).precisions[2])

    assert precision_of_slopes(0.0) > 10 * precision_of_slopes(1.0)


def test_single_precision_finds_the_same_optimum_and_groups_without_rows_are_the_priors() -> None:
    design, full = design_of(3000, 7)
    kept = np.arange(3000) < design.starts[2]  # the last group has no rows left
    y = (np.random.default_rng(8).random(3000) < expit(full @ np.linspace(-1, 1, full.shape[1]))).astype(float)[kept]
    blocks, double = np.array([-1] + [0] * (full.shape[1] - 1)), design.take(kept)
    single = Design(double.varying.astype(np.float32), double.common.astype(np.float32), double.levels, double.starts)
    exact, close = (fit_hierarchical(one, y, blocks, np.array([2.0]), reestimate=False) for one in (double, single))
    np.testing.assert_allclose(close.weights, exact.weights, atol=1e-3)
    theta, _ = double.split(exact.weights)
    np.testing.assert_allclose(theta[:, 3], 0.0, atol=1e-6)
