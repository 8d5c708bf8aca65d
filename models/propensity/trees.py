"""The trees' columns: features, family columns, and the candidate's attributes, product, offer and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, Category, Schema
from features.table import FeatureTable
from models.boosting import Boosting, TreeColumns, TreeRows
from models.propensity.families import Families
from models.propensity.groups import Groups
from models.propensity.impressions import Impressions
from models.propensity.rates import OFFER

PRODUCT, CHANNEL = "product", "channel"
_LARGEST: Final = 1e30
"""Values are cut here, within single precision."""


@dataclass(frozen=True, slots=True)
class TreeInputs:
    """What trees read of an impression.

    Attributes:
        inputs: Customer features.
        families: Family columns.
        groups: Offers, products, attributes and channels.
    """

    inputs: tuple[str, ...]
    families: Families
    groups: Groups

    def columns(self, features: Schema) -> TreeColumns:
        """Return names and kinds of the columns, given the types of the customer features."""
        types = {name: features[name] for name in self.inputs} | self.families.schema(features)
        categories = (name for name, kind in types.items() if isinstance(kind, Category))
        return TreeColumns(tree_names(self.inputs, self.families, self.groups), (*categories, PRODUCT, OFFER, CHANNEL))

    def matrix(self, rows: Impressions) -> NDArray[np.float32]:
        """Return the columns of impressions, shape (n, columns)."""
        codes = self.groups.codes(rows.pairs)[rows.pair]
        return tree_matrix(rows.features.select(self.inputs), rows.family, codes, self.families)

    def rows(self, rows: Impressions, boosting: Boosting, *, num_threads: int) -> TreeRows:
        """Return impressions as training rows."""
        columns = self.columns(rows.features.schema)
        return TreeRows(self.matrix(rows), rows.y, columns, boosting, num_threads=num_threads)


def tree_names(inputs: Sequence[str], families: Families, groups: Groups) -> tuple[str, ...]:
    """Return the names of the trees' columns, in order."""
    return (*inputs, *families.names, *(f"offer_{name}" for name in groups.attributes), PRODUCT, OFFER, CHANNEL)


def tree_matrix(
    features: FeatureTable, family: Mapping[str, Array], codes: Array, families: Families
) -> NDArray[np.float32]:
    """Build the trees' columns of rows with one pair each; single precision halves the memory."""
    names = tuple(features.columns)
    matrix = np.empty((len(features), len(names) + len(families.names) + codes.shape[1]), dtype=np.float32)
    for position, name in enumerate(names):
        matrix[:, position] = _within(features.columns[name])
    for position, name in enumerate(families.names):
        matrix[:, len(names) + position] = _within(family[name])
    matrix[:, len(names) + len(families.names) :] = codes
    return matrix


def _within(values: Array) -> Array:
    cut: Array = np.clip(values, -_LARGEST, _LARGEST)
    return cut
