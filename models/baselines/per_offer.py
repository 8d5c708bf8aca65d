"""Baseline with a separate logistic regression for every offer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from expressions.types import Array
from features.table import FeatureTable
from models.baselines.popularity import offer_rates
from models.encoding import fit_encoding

_LEAST_POSITIVES = 10
"""Minimum acceptances and rejections for an offer's own regression; with fewer, its shrunk rate is used."""
_INVERSE_PENALTY = 0.01


def per_offer_logistic(
    train: FeatureTable,
    train_offer: NDArray[np.object_],
    y: Array,
    test: FeatureTable,
    test_offer: NDArray[np.object_],
    *,
    names: tuple[str, ...],
) -> Array:
    """Fit one ridge regression for each offer on standardised features and predict the test rows, shape (m,)."""
    encoding = fit_encoding(train.columns, train.schema, names)
    design, asked = encoding.matrix(train.columns), encoding.matrix(test.columns)
    predicted = offer_rates(train_offer, y, test_offer)
    for offer in np.unique(test_offer.astype(str)):
        rows, wanted = train_offer == offer, test_offer == offer
        if not len(encoding) or not _LEAST_POSITIVES <= y[rows].sum() <= rows.sum() - _LEAST_POSITIVES:
            continue
        # lbfgs needs about 50 iterations on standardised columns, so 1,000 never triggers a warning
        regression = LogisticRegression(C=_INVERSE_PENALTY, tol=1e-3, max_iter=1000)
        regression.fit(design[rows], y[rows])
        predicted[wanted] = regression.predict_proba(asked[wanted])[:, 1]
    return np.clip(predicted, 1e-6, 1.0 - 1e-6)
