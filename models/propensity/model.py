"""The propensity model: a hierarchical base, trees that correct it, then calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from domain.offer import Offer, Treatment
from expressions.types import Array, ColumnType
from features.table import FeatureTable
from models.boosting import Booster, booster_from_text, booster_to_text, raw_scores, tree_contributions
from models.calibration import Calibration
from models.contributions import Contributions
from models.files import read_description, write_model
from models.inputs import SchemaCheck, schema_from_json, schema_to_json
from models.propensity.base import Base, PlacedPairs
from models.propensity.families import Families
from models.propensity.impressions import Impressions, Pair
from models.propensity.priors import Priors
from models.propensity.rates import OFFER, AcceptanceRates
from models.propensity.trees import tree_matrix, tree_names

_KIND = "propensity"
_BLOCK_ROWS = 32_768
"""Customers times candidates scored at once: about 30 MB of columns."""


@dataclass(frozen=True, slots=True)
class PropensityModel:
    """A fitted propensity model.

    Attributes:
        base: Hierarchical logistic regression.
        booster: Trees over features, family columns, attributes, product, offer and channel, added to the base.
        schema: Customer features and their types.
        calibration: Platt scaling of the sum of both to a calibrated probability.
        priors: Acceptance rates, for customers about whom nothing is known; None in files of former versions.
        inputs: Customer features that the trees read; None for all.
        linear: The trees add nothing and need not be asked.
        chosen: Which form was chosen, and why, in words.
    """

    base: Base
    booster: Booster
    schema: dict[str, ColumnType]
    calibration: Calibration
    priors: Priors | None = None
    inputs: tuple[str, ...] | None = None
    linear: bool = False
    chosen: str = ""
    _check: SchemaCheck = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_check", SchemaCheck(self.schema))

    @property
    def names(self) -> tuple[str, ...]:
        """Customer features that the model sees."""
        return tuple(self.schema)

    @property
    def families(self) -> Families:
        """Features that exist per product or channel."""
        return self.base.families

    @property
    def contribution_names(self) -> tuple[str, ...]:
        """Names of contributions: features, `family_*` columns, `offer_*` attributes, product, offer, channel."""
        return tree_names(self._inputs, self.base.families, self.base.groups)

    @property
    def _inputs(self) -> tuple[str, ...]:
        return self.names if self.inputs is None else self.inputs

    def predict(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Array:
        """Predict every customer's probability to accept each candidate, shape (n, m), strictly between 0 and 1.

        An offer unknown to training is scored by its product, its attributes, its channel and the customer.

        Raises:
            ModelError: If a feature is missing or of another type than in training.
        """
        self._check(features)
        pairs: list[Pair] = [(offer, treatment.channel) for offer, treatment in candidates]
        probabilities = np.empty((len(features), len(pairs)))
        if not pairs:
            return probabilities
        placed = self.base.placed(pairs)
        step = max(1, _BLOCK_ROWS // len(pairs))
        # columns are selected only if there is more than one block
        table = features if len(features) <= step else features.select(self.names)
        for start in range(0, len(features), step):
            block = table if table is features else table.take(np.arange(start, min(start + step, len(features))))
            family = self.base.families.columns(block.columns, placed.members)
            scores = self.base.log_odds(block, family, placed)
            if not self.linear:
                trees = raw_scores(self.booster, self._block(block, family, placed), num_threads)
                scores += trees.reshape(scores.shape)
            probabilities[start : start + step] = self.calibration.apply(expit(scores))
        return probabilities

    def predict_rows(self, rows: Impressions, *, num_threads: int = 1) -> Array:
        """Predict the probability that each impression is accepted, shape (n,)."""
        self._check(rows.features)
        scores = self.base.row_log_odds(rows)
        if not self.linear:
            codes = self.base.groups.codes(rows.pairs)[rows.pair]
            matrix = tree_matrix(rows.features.select(self._inputs), rows.family, codes, self.base.families)
            scores += raw_scores(self.booster, matrix, num_threads)
        return self.calibration.apply(expit(scores))

    def explain(
        self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]], *, num_threads: int = 1
    ) -> Contributions:
        """Split calibrated log-odds into contributions: row i of the features with candidate i.

        The base's part of a feature is its weight times its distance from the training mean; the trees' part is its
        SHAP value.

        Args:
            features: n rows; to explain several offers of a customer, repeat the row.
            candidates: n candidates.
            num_threads: Number of LightGBM threads.

        Raises:
            ModelError: If a feature is missing or of another type than in training.
        """
        self._check(features)
        pairs: list[Pair] = [(offer, treatment.channel) for offer, treatment in candidates]
        table = features.select(self.names)
        family = self.base.families.of_rows(table.columns, pairs, np.arange(len(pairs)))
        placed = [self.base.placed([pair]) for pair in pairs]
        codes = np.concatenate([one.codes for one in placed])
        matrix = tree_matrix(table.select(self._inputs), family, codes, self.base.families)
        trees = tree_contributions(self.booster, matrix, num_threads)
        names, rows = self.contribution_names, np.concatenate([one.rows for one in placed])
        linear, base = self.base.row_contributions(table.columns, family, rows, names)
        slope = self.calibration.rise
        intercept = (base + trees[:, -1]) * slope + self.calibration.shift
        return Contributions(names, (linear + trees[:, :-1]) * slope, intercept)

    def prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Array:
        """Return each candidate's acceptance rate at the customer's stage, whoever the customer is, shape (n, m).

        An offer unknown to training has the rate of its product, or else of all offers. NaN without priors.
        """
        if self.priors is None:
            return np.full((len(features), len(candidates)), np.nan)
        return AcceptanceRates(self.priors).predict(features, candidates)

    def explain_prior(self, features: FeatureTable, candidates: Sequence[tuple[Offer, Treatment]]) -> Contributions:
        """Explain `prior` relative to the rate of all offers: row i of the features with candidate i.

        It does not depend on the customer; the only part is the offer's.
        """
        if self.priors is None:
            return Contributions((OFFER,), np.zeros((len(features), 1)), np.full(len(features), np.nan))
        return AcceptanceRates(self.priors).explain(features, candidates)

    def to_files(self, folder: Path) -> None:
        """Write `booster.txt` (LightGBM's native text) and `model.json`; nothing in them can run code."""
        description = {
            "features": schema_to_json(self.schema),
            "calibration": self.calibration.to_json(),
            "base": self.base.to_json(),
            **({} if self.priors is None else {"priors": self.priors.to_json()}),
            "inputs": list(self._inputs),
            "linear": self.linear,
            "chosen": self.chosen,
        }
        write_model(folder, _KIND, description, booster_to_text(self.booster))

    @classmethod
    def from_files(cls, folder: Path) -> PropensityModel:
        """Read a model from `to_files` output.

        Raises:
            ModelError: If the files are missing, damaged or of another kind of model.
        """
        description, text = read_description(folder, _KIND)
        return cls(
            Base.from_json(description["base"]),
            booster_from_text(text),
            schema_from_json(description["features"]),
            Calibration.from_json(description["calibration"]),
            None if "priors" not in description else Priors.from_json(description["priors"]),
            tuple(description["inputs"]) if "inputs" in description else None,
            bool(description.get("linear", False)),
            str(description.get("chosen", "")),
        )

    def _block(self, block: FeatureTable, family: Mapping[str, Array], placed: PlacedPairs) -> NDArray[np.float32]:
        """Return the trees' columns of every customer with every pair, shape (n * m, columns)."""
        customer, pairs = block.matrix(self._inputs), len(placed.pairs)
        first, last = customer.shape[1], customer.shape[1] + len(family)
        cube = np.empty((len(block), pairs, last + placed.codes.shape[1]), dtype=np.float32)
        cube[:, :, :first] = customer[:, None, :]
        for position, (name, dimension) in enumerate(self.base.families.dimension_of.items()):
            cube[:, :, first + position] = family[name][:, placed.member_of[dimension]]
        cube[:, :, last:] = placed.codes
        return cube.reshape(len(block) * pairs, -1)
