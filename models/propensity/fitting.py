"""Fits a propensity model: its form is chosen on held-out rows, then all parts are fitted on all rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from expressions.types import Array
from models.boosting import fit_booster, fits_of, scaled
from models.labels import LEAST_OF_EACH, check_labels
from models.propensity.base import Base, averaged, fit_base
from models.propensity.choice import (
    AVERAGED,
    BASE,
    BASE_FOLDS,
    BASE_SHARE,
    NOT_LINEAR,
    STACKED,
    Choice,
    Inputs,
    Recipe,
    choose,
    only_rates,
)
from models.propensity.families import Families
from models.propensity.groups import groups_of
from models.propensity.impressions import Impressions
from models.propensity.model import PropensityModel
from models.propensity.priors import fit_priors
from models.settings import Training
from models.splits import choice_folds, customer_folds, thin

_CHOICE_ROWS: Final = 60_000
"""Rows on which the form is chosen; more would choose the same."""


def fit_propensity(
    rows: Impressions,
    names: tuple[str, ...],
    families: Families,
    training: Training,
    *,
    num_threads: int,
    recipe: Recipe | None = None,
) -> PropensityModel:
    """Choose the form of the model on held-out rows, then fit base, trees and acceptance rates on all rows.

    Args:
        rows: Impressions whose outcomes are known.
        names: Customer features that the model sees.
        families: Features that exist per product or channel.
        training: Training settings; the seed is used here.
        num_threads: Number of LightGBM threads; the result does not depend on it.
        recipe: Forms to choose from, and settings of the trees; by default all forms.

    Raises:
        ModelError: If there are only acceptances, or none.
    """
    check_labels(rows.y, "accepted", model="propensity")
    pairs = rows.present_pairs()
    own = tuple(name for name in names if name not in families.features)
    inputs = Inputs(
        choices=(own, names) if len(own) < len(names) else (names,),
        families=families,
        groups=groups_of(
            list({offer.name: offer for offer, _ in pairs}.values()),
            [channel for _, channel in pairs if channel is not None],
        ),
        recipe=recipe or Recipe(),
        seed=training.seed,
    )
    few = min(rows.y.sum(), len(rows) - rows.y.sum()) < LEAST_OF_EACH
    choice = only_rates(inputs) if few else _chosen(rows, inputs, num_threads)
    base, start = _fitted_base(rows, inputs, choice)
    trees = inputs.trees(choice.inputs)
    booster = fit_booster(
        trees.rows(rows, start),
        trees.columns(rows.features.schema),
        inputs.boosting,
        choice.trees,
        fits=fits_of(len(rows)),
        num_threads=num_threads,
    )
    return PropensityModel(
        base=base,
        booster=scaled(booster, 1.0 - BASE_SHARE) if choice.form == AVERAGED else booster,
        schema={name: rows.features.schema[name] for name in names},
        calibration=choice.calibration,
        priors=fit_priors(rows),
        inputs=choice.inputs,
        linear=choice.form not in NOT_LINEAR or not choice.trees,
        chosen=choice.in_words(),
    )


def _chosen(rows: Impressions, inputs: Inputs, num_threads: int) -> Choice:
    kept = rows.take(thin(rows.features.customer_ids, _CHOICE_ROWS, inputs.seed))
    return choose(kept, inputs, choice_folds(kept.features.customer_ids, inputs.seed), num_threads=num_threads)


def _fitted_base(rows: Impressions, inputs: Inputs, choice: Choice) -> tuple[Base, Array]:
    """Fit what the trees start from; return the linear part of the model, and each row's start."""
    folds = customer_folds(rows.features.customer_ids, BASE_FOLDS, inputs.seed)
    own = inputs.base(choice.inputs, choice.limit)
    first = fit_base(rows, own if choice.form in {BASE, STACKED} else inputs.rates)
    start = first.out_of_fold(folds) if choice.trees else np.zeros(len(rows))
    if choice.form == AVERAGED:
        return averaged(fit_base(rows, own).base, first.base, BASE_SHARE), start
    return first.base, start
