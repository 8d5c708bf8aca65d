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
from models.splits import Folds
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
_ROUNDING = 1e-9
"""Loss that LightGBM and a sum here differ by although no tree has split."""
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
            "num_threads": num_threads,
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
class TreeColumns:
    """Names of the trees' columns, and those that are categories."""

    names: tuple[str, ...]
    categorical: tuple[str, ...]


class TreeRows:
    """n training rows. Their columns are binned once, for all fits on them or on some of them.

    Attributes:
        matrix: Shape (n, columns).
        y: Outcomes, shape (n,).
        columns: Names and kinds of the columns.
        boosting: Settings of the trees.
        num_threads: Number of LightGBM threads, fewer for few rows; the result does not depend on it.
    """

    def __init__(self, matrix: Matrix, y: Array, columns: TreeColumns, boosting: Boosting, *, num_threads: int) -> None:
        self.matrix, self.y, self.columns, self.boosting = matrix, y, columns, boosting
        self.num_threads = max(1, min(num_threads, len(y) // _ROWS_OF_A_THREAD))
        self._binned = lightgbm.Dataset(
            matrix,
            y,
            feature_name=list(columns.names),
            categorical_feature=[columns.names.index(name) for name in columns.categorical],
            params={
                "max_bin": boosting.trees.max_bin,
                "feature_pre_filter": False,  # fits on fewer rows have smaller leaves
                "verbosity": -1,
                "num_threads": self.num_threads,
            },
        ).construct()

    def parameters(self, rows: int, seed: int) -> dict[str, Any]:
        """Return LightGBM's parameters of a fit on some of the rows."""
        return replace(self.boosting, seed=seed).parameters(rows, self.columns, self.num_threads)

    def dataset(self, start: Array, places: NDArray[np.int64] | None = None) -> lightgbm.Dataset:
        """Return the rows at some places, or all, with the log-odds that trees start from, shape (n,)."""
        if places is None:
            return self._binned.set_init_score(start)
        return self._binned.subset(places.tolist()).construct().set_init_score(start[places])


def grow_on_folds(rows: TreeRows, starts: Sequence[Array], folds: Folds) -> tuple[int, Array]:
    """Grow trees on all folds at once until their common held-out log loss no longer improves.

    One fold's loss has its minimum now here, now there; the mean over folds is far steadier.

    Args:
        rows: The rows.
        starts: Log-odds that the trees of each fold start from, shape (n,) each.
        folds: The folds; each row is held out at most once.

    Returns:
        Number of trees with the smallest loss, 0 if no tree helps, and the scores of held-out rows with that many
        trees, those that the trees start from included, shape (n,); NaN for rows that no fold holds out.
    """
    grown: list[Booster] = []
    trees = rows.boosting.trees
    for start, (train, test) in zip(starts, folds, strict=True):
        booster = lightgbm.Booster(rows.parameters(len(train), rows.boosting.seed), rows.dataset(start, train))
        booster.add_valid(rows.dataset(start, test), "held")
        grown.append(booster)
    weights = np.array([len(test) for _, test in folds], dtype=np.float64)
    scores = np.full(len(rows.y), np.nan)
    for start, (_, test) in zip(starts, folds, strict=True):
        scores[test] = start[test]
    losses = [_loss([_initial_loss(rows.y[test], scores[test]) for _, test in folds], weights)]
    best = 0
    while len(losses) <= trees.num_iterations and len(losses) - 1 - best < trees.early_stopping_round:
        for booster in grown:
            booster.update()
        losses.append(_loss([booster.eval_valid()[0][2] for booster in grown], weights))
        best = int(np.argmin(losses))
    if losses[best] > losses[0] - _ROUNDING:
        best = 0
    if best:
        for booster, (_, test) in zip(grown, folds, strict=True):
            scores[test] += booster.predict(
                rows.matrix[test], raw_score=True, num_iteration=best, num_threads=rows.num_threads
            )
    return best, scores


def fit_booster(rows: TreeRows, start: Array, trees: int, *, fits: int = 1) -> Booster:
    """Grow a number of trees on all rows; with several fits, of different seeds, the scores are their average.

    Args:
        rows: Training rows.
        start: Log-odds that the trees start from, shape (n,).
        trees: Number of trees of each fit; with 0 the booster scores everybody 0.
        fits: Number of fits.
    """
    train = rows.dataset(start)
    texts = []
    for position in range(fits if trees else 1):
        settings = rows.parameters(len(rows.y), rows.boosting.seed + position)
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


def _initial_loss(y: Array, start: Array) -> float:
    return float((np.logaddexp(0.0, start) - y * start).mean())


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
