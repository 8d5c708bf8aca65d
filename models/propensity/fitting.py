"""Fits a propensity model: its form is chosen on held-out rows, then all parts are fitted on all rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.boosting import fit_booster, fits_of, scaled
from models.choice import Choice
from models.labels import LEAST_OF_EACH, check_labels
from models.propensity.base_fit import BaseRows, BaseSettings, averaged
from models.propensity.choice import (
    AVERAGED,
    BASE,
    BASE_SHARE,
    NOT_LINEAR,
    STACKED,
    START_FOLDS,
    Fits,
    Form,
    Inputs,
    Recipe,
    Tried,
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
_ROWS_WITHOUT_TREES: Final = 100


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
        training: Training settings; the seed is used here, and scores follow the level of the latest outcomes unless
            evaluation is on other customers at any time.
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
        follows=training.evaluated_by == "time",
    )
    few = min(rows.y.sum(), len(rows) - rows.y.sum()) < LEAST_OF_EACH
    choice, settings, fits = (*only_rates(inputs), None) if few else _chosen(rows, inputs, num_threads)
    if fits is None:
        fits = _fits(rows, inputs, choice, settings, num_threads)
    first = fits.base if choice.form in {BASE, STACKED} else fits.rates
    assert first is not None
    trees = fits.trees
    if trees is None or not choice.trees:  # trees that score everybody 0 need the columns only
        few_rows = rows.take(np.arange(min(len(rows), _ROWS_WITHOUT_TREES)))
        trees = inputs.trees(settings.inputs).rows(few_rows, inputs.boosting, num_threads=num_threads)
    start = first.log_odds if choice.trees else np.zeros(len(trees.y))
    booster = fit_booster(trees, start, choice.trees, fits=fits_of(len(rows)))
    base = first.fitted.base
    if choice.form == AVERAGED and fits.base is not None:
        base, booster = averaged(fits.base.fitted.base, base, BASE_SHARE), scaled(booster, 1.0 - BASE_SHARE)
    return PropensityModel(
        base=base,
        booster=booster,
        schema={name: rows.features.schema[name] for name in names},
        calibration=choice.calibration,
        priors=fit_priors(rows),
        inputs=settings.inputs,
        linear=choice.form not in NOT_LINEAR or not choice.trees,
        chosen=choice.in_words(),
    )


def _chosen(rows: Impressions, inputs: Inputs, num_threads: int) -> tuple[Choice[Form], BaseSettings, Fits | None]:
    """Return the choice, what the base reads, and what was fitted for the choice if that was on all rows."""
    kept = thin(rows.features.customer_ids, _CHOICE_ROWS, inputs.seed)
    some = rows if kept.all() else rows.take(kept)
    folds = choice_folds(some.features.customer_ids, inputs.seed)
    choice, settings, fits = choose(some, inputs, folds, num_threads=num_threads)
    return choice, settings, fits if some is rows else None


def _fits(rows: Impressions, inputs: Inputs, choice: Choice[Form], settings: BaseSettings, num_threads: int) -> Fits:
    """Fit on all rows what the chosen form has."""
    folds = customer_folds(rows.features.customer_ids, START_FOLDS, inputs.seed)

    def tried(read: BaseSettings, *, starts: bool) -> Tried:
        table = BaseRows(rows, read)
        fitted = table.fit()
        log_odds = table.out_of_fold(fitted, folds) if starts else np.zeros(len(rows))
        return Tried(settings=read, fitted=fitted, log_odds=log_odds)

    has_trees, stacked = choice.trees > 0, choice.form == STACKED
    trees = inputs.trees(settings.inputs)
    return Fits(
        rates=tried(inputs.rates, starts=has_trees and not stacked),
        base=tried(settings, starts=has_trees and stacked) if choice.form in {BASE, STACKED, AVERAGED} else None,
        trees=trees.rows(rows, inputs.boosting, num_threads=num_threads) if has_trees else None,
    )
