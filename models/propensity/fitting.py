"""Fits a propensity model."""

from __future__ import annotations

from scipy.special import expit

from expressions.types import Array, Category
from models.boosting import Boosting, Rows, fit_booster, raw_scores
from models.calibration import fit_calibration
from models.labels import check_labels
from models.propensity.base import fit_base
from models.propensity.families import Families
from models.propensity.impressions import Impressions
from models.propensity.model import CHANNEL, PRODUCT, PropensityModel, tree_matrix, tree_names
from models.propensity.priors import fit_priors
from models.propensity.rates import OFFER
from models.settings import Training
from models.splits import calibration_split, customer_folds

_BASE_FOLDS = 3
"""Number of customer folds for the out-of-fold base scores that the trees start from; more change little."""


def fit_propensity(
    rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
) -> PropensityModel:
    """Fit the base, the trees on its out-of-fold scores, and the calibration on later rows of other customers.

    Priors are counted on all rows.

    Args:
        rows: Impressions whose outcomes are known.
        names: Customer features that the model sees.
        families: Features that exist per product.
        training: Training settings; the seed and the calibration share are used here.
        num_threads: Number of LightGBM threads; the result does not depend on it.

    Raises:
        ModelError: If there are too few acceptances or too few other outcomes.
    """
    check_labels(rows.y, "accepted")
    features = rows.features
    fit, later = calibration_split(
        features.customer_ids, features.as_of, rows.known_at, training.calibration_share, training.seed
    )
    kept, held = rows.take(fit), rows.take(later)
    check_labels(kept.y, "accepted")
    folds = customer_folds(kept.features.customer_ids, _BASE_FOLDS, training.seed)
    base, out_of_fold = fit_base(kept, names, families, training.seed, folds)

    def tree_rows(part: Impressions, initial: Array) -> Rows:
        codes = base.groups.codes(part.pairs)[part.pair]
        return Rows(tree_matrix(part.features.select(names), part.family, codes, base), part.y, initial)

    schema = {name: features.schema[name] for name in names}
    all_types = schema | families.schema(features.schema)
    start = base.row_log_odds(held)
    later_rows = tree_rows(held, start)
    booster = fit_booster(
        tree_rows(kept, out_of_fold),
        later_rows,
        tree_names(names, base),
        [*(name for name, kind in all_types.items() if isinstance(kind, Category)), PRODUCT, OFFER, CHANNEL],
        # less growth than for churn: the trees only correct the base
        Boosting(learning_rate=0.05, leaves=12, maximum_trees=200, rows_per_leaf_share=0.002, seed=training.seed),
        num_threads=num_threads,
    )
    scores = start + raw_scores(booster, later_rows.matrix, num_threads)
    return PropensityModel(base, booster, schema, fit_calibration(expit(scores), held.y), fit_priors(rows))
