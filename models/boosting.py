"""LightGBM for both models: quiet, deterministic, with early stopping, stored as its native text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.errors import EngineError, ModelError
from expressions.types import Array
from models.tree_parameters import TreeParameters
from models.tree_text import combined_trees, expect_trees

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

_ROWS_PER_LEAF_SHARE = 0.001
_ROWS_OF_A_THREAD = 20_000
"""With fewer rows than this for each, threads wait for each other longer than they work."""
_OF_GROWING = frozenset({"num_iterations", "early_stopping_round"})
"""Parameters of what grows the trees one by one, not of LightGBM here."""
_MOST_FITS = 5
_ROWS_OF_FITS = 300_000

Matrix = NDArray[np.float64] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Settings for growing the trees.

    Attributes:
        trees: Parameters of the trees.
        monotone: Pattern of column names -> 1 if scores may only rise with these columns, -1 if only fall.
        interactions: Lists of patterns; columns of a list interact only with each other, as do all that are in none.
        seed: Seed for the rows and columns drawn for each tree.
    """

    trees: TreeParameters = field(default_factory=TreeParameters)
    monotone: Mapping[str, int] = field(default_factory=dict)
    interactions: tuple[tuple[str, ...], ...] = ()
    seed: int = 7

    def parameters(self, rows: int, columns: TreeColumns, num_threads: int) -> dict[str, Any]:
        """Return the settings as LightGBM parameters."""
        trees = self.trees
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            **{name: value for name, value in asdict(trees).items() if name not in _OF_GROWING},
            "num_leaves": trees.num_leaves or min(48, max(4, int(0.5 * rows ** (1 / 3)))),
            "min_data_in_leaf": trees.min_data_in_leaf or max(10, int(rows * _ROWS_PER_LEAF_SHARE)),
            "bagging_freq": 1,
            **self._constraints(columns),
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": max(1, min(num_threads, rows // _ROWS_OF_A_THREAD)),
            "verbosity": -1,
        }

    def _constraints(self, columns: TreeColumns) -> dict[str, Any]:
        found: dict[str, Any] = {}
        signs = [0 if name in columns.categorical else self._sign(name) for name in columns.names]
        if any(signs):
            found["monotone_constraints"] = signs
        if self.interactions:
            names = range(len(columns.names))
            lists = [[place for place in names if _matches(columns.names[place], one)] for one in self.interactions]
            listed = {place for one in lists for place in one}
            lists.append([place for place in names if place not in listed])
            found["interaction_constraints"] = [one for one in lists if one]
        return found

    def _sign(self, name: str) -> int:
        return next((sign for pattern, sign in self.monotone.items() if fnmatchcase(name, pattern)), 0)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows; `initial` is the log-odds that the trees start from, or None."""

    matrix: Matrix
    y: Array
    initial: Array | None = None

    @property
    def start(self) -> Array:
        """Log-odds that the trees start from, shape (n,)."""
        return np.zeros(len(self.y)) if self.initial is None else self.initial


@dataclass(frozen=True, slots=True)
class TreeColumns:
    """Names of the trees' columns, and those that are categories."""

    names: tuple[str, ...]
    categorical: tuple[str, ...]

    def dataset(self, rows: Rows, max_bin: int, num_threads: int) -> lightgbm.Dataset:
        """Bin the rows."""
        return lightgbm.Dataset(
            rows.matrix,
            rows.y,
            init_score=rows.initial,
            feature_name=list(self.names),
            categorical_feature=[self.names.index(name) for name in self.categorical],
            params={"max_bin": max_bin, "verbosity": -1, "num_threads": num_threads},
        )


def grow_on_folds(
    folds: Sequence[tuple[Rows, Rows]], columns: TreeColumns, boosting: Boosting, *, num_threads: int
) -> tuple[int, list[Array]]:
    """Grow trees on all folds at once until their common held-out log loss no longer improves.

    One fold's loss has its minimum now here, now there; the mean over folds is far steadier.

    Args:
        folds: Training and held-out rows of each fold.
        columns: The trees' columns.
        boosting: Settings.
        num_threads: Number of LightGBM threads.

    Returns:
        Number of trees with the smallest loss, 0 if no tree helps, and the trees' scores of each fold's held-out rows
        with that many trees, without the initial ones.
    """
    grown: list[Booster] = []
    for rows, held in folds:
        train = columns.dataset(rows, boosting.trees.max_bin, num_threads)
        booster = lightgbm.Booster(boosting.parameters(len(rows.y), columns, num_threads), train)
        booster.add_valid(train.create_valid(held.matrix, held.y, init_score=held.initial, params=train.params), "held")
        grown.append(booster)
    weights = np.array([len(held.y) for _, held in folds], dtype=np.float64)
    losses = [_loss([_initial_loss(held) for _, held in folds], weights)]
    best = 0
    while len(losses) <= boosting.trees.num_iterations and len(losses) - 1 - best < boosting.trees.early_stopping_round:
        for booster in grown:
            booster.update()
        losses.append(_loss([booster.eval_valid()[0][2] for booster in grown], weights))
        best = int(np.argmin(losses))
    scores = [
        np.zeros(len(held.y))
        if best == 0
        else np.asarray(booster.predict(held.matrix, raw_score=True, num_iteration=best, num_threads=num_threads))
        for booster, (_, held) in zip(grown, folds, strict=True)
    ]
    return best, scores


def fit_booster(
    rows: Rows, columns: TreeColumns, boosting: Boosting, trees: int, *, fits: int = 1, num_threads: int
) -> Booster:
    """Grow a number of trees on all rows; with several fits, of different seeds, the scores are their average.

    Args:
        rows: Training rows.
        columns: The trees' columns.
        boosting: Settings.
        trees: Number of trees of each fit; with 0 the booster scores everybody 0.
        fits: Number of fits.
        num_threads: Number of LightGBM threads; the result does not depend on it.
    """
    train = columns.dataset(rows, boosting.trees.max_bin, num_threads)
    texts = []
    for position in range(fits if trees else 1):
        settings = replace(boosting, seed=boosting.seed + position).parameters(len(rows.y), columns, num_threads)
        if not trees:
            settings |= {"num_leaves": 2, "min_data_in_leaf": len(rows.y)}
        booster = lightgbm.Booster(settings, train)
        for _ in range(max(trees, 1)):
            booster.update()
        texts.append(booster.model_to_string(num_iteration=-1))
    return booster_from_text(combined_trees(texts, 1.0 / len(texts) if trees else 0.0))


def fits_of(rows: int) -> int:
    """Return how many fits to average: few rows need it most, and it costs least there."""
    return max(1, min(_MOST_FITS, _ROWS_OF_FITS // rows))


def scaled(booster: Booster, factor: float) -> Booster:
    """Return the trees with their scores multiplied by a factor."""
    return booster_from_text(combined_trees([booster_to_text(booster)], factor))


def _initial_loss(held: Rows) -> float:
    return float((np.logaddexp(0.0, held.start) - held.y * held.start).mean())


def _loss(losses: Sequence[float], weights: Array) -> float:
    return float(np.average(losses, weights=weights))


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
