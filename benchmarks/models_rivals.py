"""Learners that the propensity model is compared with, on the same rows and folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from scipy.special import expit

from expressions.types import Array
from models.boosting import Booster, Boosting, TreeRows, fit_booster, raw_scores
from models.propensity.families import Families
from models.propensity.groups import groups_of
from models.propensity.impressions import Impressions
from models.propensity.trees import TreeInputs
from models.settings import Training

PLAIN: dict[str, Any] = {"objective": "binary", "deterministic": True, "force_row_wise": True, "verbosity": -1}
"""LightGBM's own defaults: 100 trees of 31 leaves, learning rate 0.1."""
_TREES = 100


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees alone, over features, offer and channel."""

    booster: Booster
    inputs: TreeInputs
    start: float

    def predict_rows(self, rows: Impressions, *, num_threads: int = 1) -> Array:
        """Predict the probability that each impression is accepted, shape (n,)."""
        matrix = self.inputs.matrix(rows)
        probability: Array = expit(self.start + raw_scores(self.booster, matrix, num_threads))
        return np.clip(probability, 1e-9, 1.0 - 1e-9)


def plain_lightgbm(
    rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
) -> Trees:
    """Fit LightGBM with its own defaults on the features, the offer and the channel."""
    inputs = _inputs(rows, names, Families({}, {}))
    columns = inputs.columns(rows.features.schema)
    dataset = lightgbm.Dataset(
        inputs.matrix(rows),
        rows.y,
        feature_name=list(columns.names),
        categorical_feature=[columns.names.index(name) for name in columns.categorical],
    )
    parameters = PLAIN | {"num_threads": num_threads, "seed": training.seed}
    return Trees(lightgbm.train(parameters, dataset, num_boost_round=_TREES), inputs, 0.0)


def trees_without_base(
    rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
) -> Trees:
    """Fit a fixed number of the model's own trees from the share of acceptances, with family columns."""
    inputs = _inputs(rows, names, families)
    rate = (rows.y.sum() + 0.5) / (len(rows) + 1.0)
    start = float(np.log(rate / (1.0 - rate)))
    tree_rows: TreeRows = inputs.rows(rows, Boosting(seed=training.seed), num_threads=num_threads)
    booster = fit_booster(tree_rows, np.full(len(rows), start), _TREES)
    return Trees(booster, inputs, start)


def _inputs(rows: Impressions, names: tuple[str, ...], families: Families) -> TreeInputs:
    pairs = rows.present_pairs()
    groups = groups_of(
        list({offer.name: offer for offer, _ in pairs}.values()),
        [channel for _, channel in pairs if channel is not None],
    )
    return TreeInputs(names, families, groups)


RIVALS = {"plain_lightgbm": plain_lightgbm, "trees_without_base": trees_without_base}
