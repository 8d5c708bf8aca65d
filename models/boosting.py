"""LightGBM for both models: quiet, deterministic, with early stopping, stored as its native text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.errors import EngineError, ModelError
from expressions.types import Array
from models.tree_text import expect_trees

try:
    import lightgbm
except OSError as error:  # the library needs OpenMP's, which the system does not have
    raise EngineError(
        "LightGBM cannot be loaded",
        got=str(error),
        expected="OpenMP's library",
        remedy="install it (Debian, Ubuntu: `apt install libgomp1`; Fedora, RHEL: `dnf install libgomp`; macOS: "
        "`brew install libomp`), or `make clean demo`, which does without an administrator",
    ) from None

Booster: TypeAlias = lightgbm.Booster

Matrix = NDArray[np.float64] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Settings for growing the trees.

    Attributes:
        rows_per_leaf_share: Minimum share of the rows in a leaf; a leaf also holds at least 5.
        stopping_rounds: Trees without improvement on the later slice after which growing stops.
        seed: Seed for the columns drawn for each tree.
    """

    learning_rate: float = 0.06
    leaves: int = 24
    maximum_trees: int = 400
    rows_per_leaf_share: float = 0.001
    feature_share: float = 0.4
    ridge: float = 5.0
    stopping_rounds: int = 25
    seed: int = 7

    def parameters(self, rows: int, num_threads: int) -> dict[str, Any]:
        """Return the settings as LightGBM parameters."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": max(5, int(rows * self.rows_per_leaf_share)),
            "feature_fraction": self.feature_share,
            "lambda_l2": self.ridge,
            # counts are low and only frequent categories are split off: 63 bins are as good as 255 here
            "max_bin": 63,
            "cat_smooth": 20.0,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": num_threads,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows; `initial` is the log-odds that the trees start from, or None."""

    matrix: Matrix
    y: Array
    initial: Array | None = None


def fit_booster(
    rows: Rows, later: Rows, names: Sequence[str], categorical: Sequence[str], boosting: Boosting, *, num_threads: int
) -> Booster:
    """Grow trees until the later slice no longer improves; the booster holds only the trees that helped."""
    train = lightgbm.Dataset(
        rows.matrix,
        rows.y,
        init_score=rows.initial,
        feature_name=list(names),
        categorical_feature=[names.index(name) for name in categorical],
        params={"max_bin": 63, "verbosity": -1, "num_threads": num_threads},
    )
    check = train.create_valid(later.matrix, later.y, init_score=later.initial)
    grown = lightgbm.train(
        boosting.parameters(len(rows.y), num_threads),
        train,
        num_boost_round=boosting.maximum_trees,
        valid_sets=[check],
        callbacks=[lightgbm.early_stopping(boosting.stopping_rounds, verbose=False)],
    )
    return booster_from_text(grown.model_to_string(num_iteration=grown.best_iteration))


def booster_from_text(text: str) -> Booster:
    """Read a booster from LightGBM's native text.

    Raises:
        ModelError: If the library did not write the text.
    """
    expect_trees(text)
    try:
        return lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ModelError("a model's trees cannot be read", got=str(error), remedy="train the model again") from error


def booster_to_text(booster: Booster) -> str:
    """Return the booster as LightGBM's native text."""
    return str(booster.model_to_string(num_iteration=-1))


def raw_scores(booster: Booster, matrix: Matrix, num_threads: int) -> Array:
    """Return the sum of the trees in log-odds, without the initial scores, shape (n,)."""
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=num_threads), dtype=np.float64)


def tree_contributions(booster: Booster, matrix: Matrix, num_threads: int) -> Array:
    """Return SHAP values of the trees (Lundberg et al. 2020), log-odds, shape (n, features + 1), mean score last."""
    contributions = booster.predict(matrix, pred_contrib=True, num_threads=num_threads)
    return np.asarray(contributions, dtype=np.float64)
