"""The churn model: calibrated gradient-boosted trees over the customer's features."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array, Category, ColumnType
from features.table import FeatureTable
from models.baselines.bg_nbd import RECENCY
from models.baselines.popularity import prevalence
from models.boosting import (
    Booster,
    Boosting,
    TreeColumns,
    TreeRows,
    booster_from_text,
    booster_to_text,
    fit_booster,
    fits_of,
    grow_on_folds,
    raw_scores,
    tree_contributions,
)
from models.calibration import Calibration, calibration_of_folds, logit
from models.churn.inactivity import COLUMN, Inactivity
from models.contributions import Contributions
from models.drift import recent_shift
from models.files import read_description, write_model
from models.inputs import SchemaCheck, schema_from_json, schema_to_json
from models.labels import LEAST_OF_EACH, check_labels
from models.settings import Training
from models.splits import choice_folds, thin

_KIND = "churn"
_CHOICE_ROWS = 100_000
"""Rows on which the number of trees is chosen; more would choose about the same."""


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """A fitted churn model.

    Attributes:
        booster: LightGBM trees whose columns are the features of the schema, in its order.
        schema: Features and their types.
        calibration: Map from the trees' probability to a calibrated one.
        rate: Share of training rows that churned, strictly between 0 and 1, for customers about whom nothing is known.
            None in files of former versions.
        inactivity: Log-odds of inactivity by BG/NBD, from which the trees start and which are one more column of
            theirs; None if the model does not read what that needs.
    """

    booster: Booster
    schema: dict[str, ColumnType]
    calibration: Calibration
    rate: float | None = None
    inactivity: Inactivity | None = None
    _check: SchemaCheck = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_check", SchemaCheck(self.schema))

    @property
    def names(self) -> tuple[str, ...]:
        """Features, in the order of the booster's columns."""
        return tuple(self.schema)

    def predict(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Predict the probability of churn, shape (n,), strictly between 0 and 1.

        Raises:
            ModelError: If a feature is missing or of another type than in training.
        """
        self._check(features)
        matrix = _matrix(features, self.names, self.inactivity)
        scores = raw_scores(self.booster, matrix, num_threads)
        return self.calibration.apply(expit(scores + _start(self.inactivity, matrix)))

    def shap_values(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Return SHAP values in uncalibrated log-odds, shape (n, len(names)), without the mean score.

        What BG/NBD adds is in the value of the days since the last activity, on which it depends most.
        """
        return self._contributions(features, num_threads)[0]

    def explain(self, features: FeatureTable, *, num_threads: int = 1) -> Contributions:
        """Split the calibrated log-odds into contributions by feature."""
        parts, mean = self._contributions(features, num_threads)
        slope = self.calibration.rise
        return Contributions(self.names, parts * slope, mean * slope + self.calibration.shift)

    def _contributions(self, features: FeatureTable, num_threads: int) -> tuple[Array, Array]:
        self._check(features)
        matrix = _matrix(features, self.names, self.inactivity)
        parts = tree_contributions(self.booster, matrix, num_threads)
        found = parts[:, : len(self.names)]
        if self.inactivity is not None:
            added = parts[:, len(self.names)] + _start(self.inactivity, matrix)
            found[:, self.names.index(RECENCY)] += added
        return found, parts[:, -1]

    def to_files(self, folder: Path) -> None:
        """Write `booster.txt` (LightGBM's native text) and `model.json`; nothing in them can run code."""
        description = {
            "features": schema_to_json(self.schema),
            "calibration": self.calibration.to_json(),
            **({} if self.rate is None else {"rate": self.rate}),
            **({} if self.inactivity is None else {"inactivity": self.inactivity.to_json()}),
        }
        write_model(folder, _KIND, description, booster_to_text(self.booster))

    @classmethod
    def from_files(cls, folder: Path) -> ChurnModel:
        """Read a model from `to_files` output.

        Raises:
            ModelError: If the files are missing, damaged or of another kind of model.
        """
        description, text = read_description(folder, _KIND)
        return cls(
            booster_from_text(text),
            schema_from_json(description["features"]),
            Calibration.from_json(description["calibration"]),
            description.get("rate"),
            None if "inactivity" not in description else Inactivity.from_json(description["inactivity"]),
        )


def fit_churn(
    features: FeatureTable,
    y: Array,
    names: tuple[str, ...],
    training: Training,
    *,
    known_at: NDArray[np.datetime64],
    num_threads: int,
    boosting: Boosting | None = None,
) -> ChurnModel:
    """Choose the number of trees and the calibration on held-out rows, then fit on all rows.

    Args:
        features: n rows: customers at anchors.
        y: Labels, 1.0 churned, 0.0 not, shape (n,).
        names: Features to learn from.
        training: Training settings; the seed is used here, and scores follow the level of the latest labels unless
            evaluation is on other customers at any time.
        known_at: When each label was complete, shape (n,).
        num_threads: Number of LightGBM threads; the result does not depend on it.
        boosting: Settings of the trees; the seed is that of training.

    Raises:
        ModelError: If there are too few customers of either class.
    """
    check_labels(y, "churned", model="churn", least=LEAST_OF_EACH)
    schema = {name: features.schema[name] for name in names}
    columns = TreeColumns(names, tuple(name for name, kind in schema.items() if isinstance(kind, Category)))
    boosting = replace(boosting or Boosting(), seed=training.seed)
    inactivity = Inactivity.fit(features, names, known_at, training.seed)
    if inactivity is not None:
        columns = TreeColumns((*names, COLUMN), columns.categorical)
    matrix = _matrix(features, names, inactivity)
    rows = TreeRows(matrix, y, columns, boosting, num_threads=num_threads)
    kept = np.flatnonzero(thin(features.customer_ids, _CHOICE_ROWS, training.seed))
    folds = [(kept[train], kept[test]) for train, test in choice_folds(features.customer_ids[kept], training.seed)]
    starts = []
    for train, _ in folds:
        weighted, average = _weighted(inactivity, matrix[train], y[train])
        starts.append(average + _start(weighted, matrix))
    trees, grown = grow_on_folds(rows, starts, folds)
    fold = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    held = np.concatenate([test for _, test in folds])
    scores, labels = np.concatenate(grown), y[held]
    found = calibration_of_folds(scores, labels, fold, features.customer_ids[held])
    if training.evaluated_by == "time":
        calibrated = logit(found.apply(expit(scores)))
        found = found.moved(recent_shift(calibrated, labels, features.as_of[held], known_at[held]))

    inactivity, average = _weighted(inactivity, matrix, y)
    booster = fit_booster(rows, average + _start(inactivity, matrix), trees, fits=fits_of(len(y)))
    # the model's scores are relative to the average row, so the map begins with that one's log-odds
    calibration = found.moved(found.rise * average)
    return ChurnModel(booster, schema, calibration, float(prevalence(y, 1)[0]), inactivity)


def _matrix(features: FeatureTable, names: tuple[str, ...], inactivity: Inactivity | None) -> Array:
    """Return the trees' columns, shape (n, columns)."""
    matrix = features.matrix(names)
    return matrix if inactivity is None else np.column_stack([matrix, inactivity.log_odds(features)])


def _weighted(inactivity: Inactivity | None, matrix: Array, y: Array) -> tuple[Inactivity | None, float]:
    """Weigh BG/NBD by the labels of rows; return it, and the log-odds of the average row."""
    if inactivity is None:
        return None, float(logit(prevalence(y, 1))[0])
    return inactivity.weighted(matrix[:, -1], y)


def _start(inactivity: Inactivity | None, matrix: Array) -> Array:
    """Return what BG/NBD adds to the trees' scores, shape (n,)."""
    return np.zeros(len(matrix)) if inactivity is None else inactivity.start(matrix[:, -1])
