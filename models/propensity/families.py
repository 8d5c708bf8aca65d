"""Family columns: what is known about a customer and the offer's own product, whichever product it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, ColumnType, Schema
from features.catalogue import FeatureCatalogue, family_column


@dataclass(frozen=True, slots=True)
class Families:
    """Templates of features per product: `family_held` is `savings_held` for a savings offer.

    Attributes:
        members: Template -> {product: feature}.
    """

    members: Mapping[str, Mapping[str, str]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns: `family_` and the template."""
        return tuple(f"family_{template}" for template in self.members)

    def schema(self, features: Schema) -> dict[str, ColumnType]:
        """Types of the columns, taken from the features they come from."""
        return {f"family_{template}": features[next(iter(by.values()))] for template, by in self.members.items()}

    def columns(self, columns: Mapping[str, Array], products: Sequence[str | None]) -> dict[str, Array]:
        """Return each column for every customer and product, shape (n, len(products)); NaN without a product."""
        catalogue = FeatureCatalogue({}, self.members, {})
        return {
            f"family_{template}": family_column(columns, catalogue, template, products) for template in self.members
        }

    def of_rows(self, columns: Mapping[str, Array], products: NDArray[np.object_]) -> dict[str, Array]:
        """Return each column for rows with one product each, shape (n,)."""
        distinct = list(dict.fromkeys(products.tolist()))
        position = {product: place for place, product in enumerate(distinct)}
        places = np.array([position[product] for product in products.tolist()], dtype=np.int64)
        rows = np.arange(len(places))
        return {name: values[rows, places] for name, values in self.columns(columns, distinct).items()}


def families_of(catalogue: FeatureCatalogue, inputs: Sequence[str], products: Sequence[str]) -> Families:
    """Return the templates of features that the model sees, for products that have offers."""
    seen, offered = set(inputs), set(products)
    members = {
        template: {product: name for product, name in by_product.items() if name in seen}
        for template, by_product in catalogue.families.items()
    }
    return Families({template: by for template, by in members.items() if offered & by.keys()})
