"""Parameters of gradient-boosted trees, by LightGBM's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeParameters(Spec):
    """Parameters of the trees; each has LightGBM's name and meaning.

    Attributes:
        learning_rate: Shrinkage of each tree.
        num_leaves: Leaves of a tree; by default a number that grows with the cube root of the rows, from 4 to 48.
        max_depth: Largest depth of a tree; -1 for no bound.
        num_iterations: Most trees; how many are grown is found on held-out rows.
        early_stopping_round: Trees without improvement on held-out rows after which growing stops.
        min_data_in_leaf: Least rows of a leaf; by default a thousandth of the rows, at least 10.
        min_sum_hessian_in_leaf: Least sum of second derivatives of a leaf.
        min_gain_to_split: Least gain of a split.
        feature_fraction: Share of the columns drawn for each tree.
        bagging_fraction: Share of the rows drawn for each tree, so that fits of different seeds differ.
        lambda_l1: L1 regularisation.
        lambda_l2: L2 regularisation.
        path_smooth: Smoothing of leaves towards their parents.
        extra_trees: Whether thresholds are drawn at random.
        max_bin: Bins of a column. Counts are low and only frequent categories are split off: 63 are as good as 255.
        max_cat_threshold: Most categories on one side of a split.
        cat_smooth: Smoothing of categories.
        cat_l2: L2 regularisation of splits by category.
        scale_pos_weight: Weight of positive rows.
    """

    learning_rate: float = 0.05
    num_leaves: int | None = None
    max_depth: int = -1
    num_iterations: int = 600
    early_stopping_round: int = 30
    min_data_in_leaf: int | None = None
    min_sum_hessian_in_leaf: float = 1e-3
    min_gain_to_split: float = 0.0
    feature_fraction: float = 0.4
    bagging_fraction: float = 0.8
    lambda_l1: float = 0.0
    lambda_l2: float = 5.0
    path_smooth: float = 0.0
    extra_trees: bool = False
    max_bin: int = 63
    max_cat_threshold: int = 16
    cat_smooth: float = 20.0
    cat_l2: float = 10.0
    scale_pos_weight: float = 1.0


RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "learning_rate": (1e-4, 1.0),
    "num_leaves": (2, 4_096),
    "max_depth": (-1, 64),
    "num_iterations": (1, 20_000),
    "early_stopping_round": (1, 1_000),
    "min_data_in_leaf": (1, 1e7),
    "min_sum_hessian_in_leaf": (0, 1e6),
    "min_gain_to_split": (0, 1e6),
    "feature_fraction": (0.01, 1.0),
    "bagging_fraction": (0.01, 1.0),
    "lambda_l1": (0, 1e6),
    "lambda_l2": (0, 1e6),
    "path_smooth": (0, 1e6),
    "max_bin": (2, 4_095),
    "max_cat_threshold": (1, 10_000),
    "cat_smooth": (0, 1e6),
    "cat_l2": (0, 1e6),
    "scale_pos_weight": (1e-3, 1e3),
}
"""Least and largest value of each parameter that is a number."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a parameter is searched.

    Attributes:
        low: Least value.
        high: Largest value.
        log: Whether ratios count, not differences.
        whole: Whether it is a whole number.
    """

    low: float
    high: float
    log: bool = True
    whole: bool = False


SEARCHED: Final[Mapping[str, Span]] = {
    "learning_rate": Span(0.01, 0.2),
    "num_leaves": Span(3, 64, whole=True),
    "min_data_in_leaf": Span(5, 500, whole=True),
    "feature_fraction": Span(0.1, 1.0, log=False),
    "bagging_fraction": Span(0.5, 1.0, log=False),
    "lambda_l2": Span(0.1, 100.0),
    "path_smooth": Span(0.1, 100.0),
}
"""Parameters that a search tries; the number of trees is found by every fit."""


def out_of_range(parameters: TreeParameters) -> list[tuple[str, Any, str]]:
    """List parameters out of range: name, value, and what is expected.

    Example:
        >>> out_of_range(TreeParameters(num_leaves=1))
        [('num_leaves', 1, '2 to 4,096')]
    """
    found = []
    for name, (least, most) in RANGES.items():
        value = getattr(parameters, name)
        if value is not None and not least <= value <= most:
            found.append((name, value, f"{least:,g} to {most:,g}"))
    return found
