"""Matrices of features about each offer's own product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from domain.errors import DataError, nearest
from expressions.types import Array
from features.catalogue import FeatureCatalogue


def family_column(
    columns: Mapping[str, Array], catalogue: FeatureCatalogue, template: str, products: Sequence[str | None]
) -> Array:
    """Put a feature of several products side by side: `held` of (savings, None) is `savings_held` and NULL.

    Args:
        columns: Features of n customers.
        catalogue: The catalogue, which lists the features of each template.
        template: Name without the product.
        products: One for each requested column; None for an offer that belongs to no product.

    Returns:
        Shape (n, len(products)); NaN where there is no product, or the template has no feature for it.

    Raises:
        DataError: For an unknown template, or if a feature is not among the columns.
    """
    if template not in catalogue.families:
        raise DataError(
            "no such family of features", got=f"'{template}'", expected=nearest(template, catalogue.families)
        )
    members = catalogue.families[template]
    n = len(next(iter(columns.values()))) if columns else 0
    matrix = np.full((n, len(products)), np.nan)
    for position, product in enumerate(products):
        name = members.get(product) if product is not None else None
        if name is None:
            continue
        if name not in columns:
            raise DataError("a feature of the family is missing", got=f"no '{name}'", expected=nearest(name, columns))
        matrix[:, position] = columns[name]
    return matrix
