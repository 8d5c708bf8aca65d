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
    raw_scores,
    tree_contributions,
)
from models.calibration import Calibration
from models.churn.choice import choose, started
from models.churn.inactivity import COLUMN, Inactivity, start_scores
from models.contributions import Contributions
from models.files import read_description, write_model
from models.inputs import SchemaCheck, schema_from_json, schema_to_json
from models.labels import LEAST_OF_EACH, check_labels
from models.settings import Training

_KIND = "churn"


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """A fitted churn model.

    Attributes:
        booster: LightGBM trees whose columns are the features of the schema, in its order.
        schema: Features and their types.
        calibration: Map from the trees' probability to a calibrated one.
        rate: Share of training rows that churned, strictly between 0 and 1, for customers about whom nothing is known.
            None in files of former versions.
        inactivity: Log-odds of inactivity by BG/NBD, one more column of the trees, from which they start if its weight
            is not 0; None if the model does not read what that needs.
        chosen: What the trees start from and why, in words; empty in files of former versions.
    """

    booster: Booster
    schema: dict[str, ColumnType]
    calibration: Calibration
    rate: float | None = None
    inactivity: Inactivity | None = None
    chosen: str = ""
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
        return self.calibration.apply(expit(scores + start_scores(self.inactivity, matrix[:, -1])))

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
            added = parts[:, len(self.names)] + start_scores(self.inactivity, matrix[:, -1])
            found[:, self.names.index(RECENCY)] += added
        return found, parts[:, -1]

    def to_files(self, folder: Path) -> None:
        """Write `booster.txt` (LightGBM's native text) and `model.json`; nothing in them can run code."""
        description = {
            "features": schema_to_json(self.schema),
            "calibration": self.calibration.to_json(),
            **({} if self.rate is None else {"rate": self.rate}),
            **({} if self.inactivity is None else {"inactivity": self.inactivity.to_json()}),
            "chosen": self.chosen,
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
            str(description.get("chosen", "")),
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
    """Choose start, number of trees and calibration on held-out rows, then fit on all rows.

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
    choice = choose(rows, inactivity, features, known_at, training)
    inactivity, average = started(choice.form, inactivity, matrix[:, -1], y)
    start = average + start_scores(inactivity, matrix[:, -1])
    booster = fit_booster(rows, start, choice.trees, fits=fits_of(len(y)))
    # the model's scores are relative to the average row, so the map begins with that one's log-odds
    calibration = choice.calibration.moved(choice.calibration.rise * average)
    rate = float(prevalence(y, 1)[0])
    return ChurnModel(booster, schema, calibration, rate, inactivity, choice.in_words())


def _matrix(features: FeatureTable, names: tuple[str, ...], inactivity: Inactivity | None) -> Array:
    """Return the trees' columns, shape (n, columns)."""
    matrix = features.matrix(names)
    return matrix if inactivity is None else np.column_stack([matrix, inactivity.log_odds(features)])
