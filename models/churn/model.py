"""The churn model: calibrated gradient-boosted trees over the customer's features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array, Category, ColumnType
from features.table import FeatureTable
from models.baselines.popularity import prevalence
from models.boosting import (
    Booster,
    Boosting,
    Rows,
    booster_from_text,
    booster_to_text,
    fit_booster,
    raw_scores,
    tree_contributions,
)
from models.calibration import Calibration, fit_calibration
from models.contributions import Contributions
from models.files import read_description, write_model
from models.inputs import SchemaCheck, schema_from_json, schema_to_json
from models.labels import check_labels
from models.settings import Training
from models.splits import calibration_split

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
    """

    booster: Booster
    schema: dict[str, ColumnType]
    calibration: Calibration
    rate: float | None = None
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
        scores = raw_scores(self.booster, features.matrix(self.names), num_threads)
        return self.calibration.apply(expit(scores))

    def shap_values(self, features: FeatureTable, *, num_threads: int = 1) -> Array:
        """Return SHAP values in the booster's log-odds, shape (n, len(names)), without the mean score."""
        self._check(features)
        return tree_contributions(self.booster, features.matrix(self.names), num_threads)[:, :-1]

    def explain(self, features: FeatureTable, *, num_threads: int = 1) -> Contributions:
        """Split the calibrated log-odds into contributions by feature."""
        self._check(features)
        parts = tree_contributions(self.booster, features.matrix(self.names), num_threads)
        slope = self.calibration.rise
        return Contributions(self.names, parts[:, :-1] * slope, parts[:, -1] * slope + self.calibration.shift)

    def to_files(self, folder: Path) -> None:
        """Write `booster.txt` (LightGBM's native text) and `model.json`; nothing in them can run code."""
        description = {
            "features": schema_to_json(self.schema),
            "calibration": self.calibration.to_json(),
            **({} if self.rate is None else {"rate": self.rate}),
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
        )


def fit_churn(
    features: FeatureTable,
    y: Array,
    known_at: NDArray[np.datetime64],
    names: tuple[str, ...],
    training: Training,
    *,
    num_threads: int,
) -> ChurnModel:
    """Fit on rows with known labels; the latest rows of half of the customers serve for stopping and calibration.

    Args:
        features: n rows: customers at anchors.
        y: Labels, 1.0 churned, 0.0 not, shape (n,).
        known_at: When each label was complete, shape (n,).
        names: Features to learn from.
        training: Training settings; the seed and the calibration share are used here.
        num_threads: Number of LightGBM threads; the result does not depend on it.

    Raises:
        ModelError: If there are too few customers of either class.
    """
    check_labels(y, "churned")
    fit, later = calibration_split(
        features.customer_ids, features.as_of, known_at, training.calibration_share, training.seed
    )
    check_labels(y[fit], "churned")
    matrix = features.matrix(names)
    schema = {name: features.schema[name] for name in names}
    held = Rows(matrix[later], y[later])
    booster = fit_booster(
        Rows(matrix[fit], y[fit]),
        held,
        names,
        [name for name, kind in schema.items() if isinstance(kind, Category)],
        Boosting(seed=training.seed),
        num_threads=num_threads,
    )
    calibration = fit_calibration(expit(raw_scores(booster, held.matrix, num_threads)), held.y)
    return ChurnModel(booster, schema, calibration, float(prevalence(y, 1)[0]))
