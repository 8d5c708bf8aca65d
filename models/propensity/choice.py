"""Chooses the form of a propensity model by what it does on rows it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.boosting import Boosting, TreeRows, grow_on_folds
from models.calibration import UNCALIBRATED
from models.choice import Choice, HeldOutRows
from models.evaluation.paired import better_beyond_noise
from models.evaluation.probability import log_losses
from models.propensity.base_fit import BaseRows, BaseSettings, FittedBase
from models.propensity.families import Families
from models.propensity.groups import Groups
from models.propensity.impressions import Impressions
from models.propensity.trees import TreeInputs
from models.splits import Folds, customer_folds, held_out_in

Form = Literal["rates", "base", "trees", "trees on base", "base and trees"]

RATES: Final[Form] = "rates"
BASE: Final[Form] = "base"
TREES: Final[Form] = "trees"
STACKED: Final[Form] = "trees on base"
AVERAGED: Final[Form] = "base and trees"
FORMS: Final[tuple[Form, ...]] = (RATES, BASE, TREES, STACKED, AVERAGED)
"""From the simplest to the least simple: the order in which ties are broken."""

_WITH_BASE: Final = frozenset({BASE, STACKED, AVERAGED})
NOT_LINEAR: Final = frozenset({TREES, STACKED, AVERAGED})
BASE_SHARE: Final = 0.5
"""Share of the base in the average of base and trees."""
START_FOLDS: Final = 3
"""Customer folds for the out-of-fold scores that trees start from; more change little."""
_WIDE, _NARROW = 10.0, 3.0
"""Limits of the base's inputs, in standard deviations. The wide one only stops extrapolation; the narrow one also takes
the weight from rare extremes, which helps with heavy tails and costs a little elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a propensity model is made.

    Attributes:
        forms: Forms to choose from, in the order in which ties are broken.
        boosting: Settings for growing the trees; the seed is that of training.
    """

    forms: tuple[Form, ...] = FORMS
    boosting: Boosting = field(default_factory=Boosting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a model may read.

    Attributes:
        choices: Sets of customer features, of which one is chosen.
        families: Features that exist per product or channel.
        groups: Offers, products, attributes and channels of all rows.
        recipe: Forms to choose from, and settings of the trees.
        seed: Seed of all draws.
        follows: Whether scores follow the level of the latest outcomes.
    """

    choices: tuple[tuple[str, ...], ...]
    families: Families
    groups: Groups
    recipe: Recipe
    seed: int
    follows: bool = True

    @property
    def boosting(self) -> Boosting:
        """Settings for growing the trees."""
        return replace(self.recipe.boosting, seed=self.seed)

    def base(self, features: tuple[str, ...], limit: float) -> BaseSettings:
        """Return the settings of a base model with inputs."""
        return BaseSettings(inputs=features, families=self.families, limit=limit, seed=self.seed)

    @property
    def rates(self) -> BaseSettings:
        """Settings of a base model without inputs."""
        return BaseSettings(inputs=(), families=self.families, seed=self.seed)

    def trees(self, features: tuple[str, ...]) -> TreeInputs:
        """Return the trees' inputs."""
        return TreeInputs(features, self.families, self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A base model on the rows of the choice.

    Attributes:
        settings: What it reads.
        fitted: The fit on all rows.
        log_odds: Scores of fits without the row's fold, shape (n,); the model's trees start from them.
        starts: What trees of each fold start from, shape (n,) each: for rows that they learn from, scores of fits
            without the fold and without a part that the row is in.
    """

    settings: BaseSettings
    fitted: FittedBase
    log_odds: Array
    starts: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What was fitted for the choice; where the choice was made on all rows, the model is made of it.

    Attributes:
        rates: The base without inputs.
        base: The base with inputs, if a form has one.
        trees: Rows of the trees, if a form has any.
    """

    rates: Tried
    base: Tried | None
    trees: TreeRows | None


def choose(
    rows: Impressions, inputs: Inputs, folds: Folds, *, num_threads: int
) -> tuple[Choice[Form], BaseSettings, Fits]:
    """Fit every form on each fold, and choose the simplest whose held-out log loss is the best within noise.

    Trees that are judged on a fold start from scores of fits that saw neither this fold nor the row. Scores of the
    comparison of bases, whose fits saw it, will not do: the outcomes of the fold push them one way, trees learn to
    push back, and on the fold that is the wrong way.

    Args:
        rows: Training rows.
        inputs: Features to choose from.
        folds: The folds; each row is held out once.
        num_threads: Number of LightGBM threads.

    Returns:
        The choice, what the base reads (and the trees, beside family columns), and the fits.
    """
    fold, forms = held_out_in(folds, len(rows)), inputs.recipe.forms
    rates = _tried_rates(rows, inputs, fold)
    base = _tried_base(rows, inputs, fold) if _WITH_BASE & set(forms) else None
    settings = inputs.base(inputs.choices[0], _WIDE) if base is None else base.settings
    by_form: dict[Form, Array] = {RATES: rates.log_odds}
    trees: dict[Form, int] = dict.fromkeys(FORMS, 0)
    tree_rows = None
    if NOT_LINEAR & set(forms):
        tree_rows = inputs.trees(settings.inputs).rows(rows, inputs.boosting, num_threads=num_threads)
        if {TREES, AVERAGED} & set(forms):
            trees[TREES], by_form[TREES] = grow_on_folds(tree_rows, rates.starts, folds)
    if base is not None:
        by_form[BASE] = base.log_odds
        if STACKED in forms and tree_rows is not None:
            trees[STACKED], by_form[STACKED] = grow_on_folds(tree_rows, base.starts, folds)
        if AVERAGED in forms:
            trees[AVERAGED] = trees[TREES]
            by_form[AVERAGED] = BASE_SHARE * by_form[BASE] + (1.0 - BASE_SHARE) * by_form[TREES]

    held_out = HeldOutRows(
        y=rows.y, fold=fold, customers=rows.features.customer_ids, as_of=rows.features.as_of, known_at=rows.known_at
    )
    choice = held_out.choose(forms, by_form, trees, follows=inputs.follows)
    return choice, settings, Fits(rates=rates, base=base, trees=tree_rows)


def only_rates(inputs: Inputs) -> tuple[Choice[Form], BaseSettings]:
    """Return the choice where there are too few outcomes to try anything else."""
    choice: Choice[Form] = Choice(form=RATES, trees=0, calibration=UNCALIBRATED, shift=0.0, losses={})
    return choice, inputs.base(inputs.choices[0], _WIDE)


def _tried_rates(rows: Impressions, inputs: Inputs, fold: NDArray[np.int64]) -> Tried:
    table = BaseRows(rows, inputs.rates)
    fitted = table.fit()
    fits = {number: table.fit(left_out=fold == number, like=fitted) for number in range(int(fold.max()) + 1)}
    starts = _starts(table, fits, fold, inputs) if NOT_LINEAR & set(inputs.recipe.forms) else ()
    return Tried(settings=inputs.rates, fitted=fitted, log_odds=_held_out(fits, fold), starts=starts)


def _tried_base(rows: Impressions, inputs: Inputs, fold: NDArray[np.int64]) -> Tried:
    """Choose the base's inputs, then their limit, by held-out log loss; within noise few inputs and a wide limit."""
    left_out = {number: fold == number for number in range(int(fold.max()) + 1)}

    def better(scores: Array, than: Array) -> bool:
        losses, others = log_losses(expit(scores), rows.y), log_losses(expit(than), rows.y)
        return better_beyond_noise(losses, others, rows.features.customer_ids)

    table = BaseRows(rows, inputs.base(inputs.choices[0], _WIDE))
    fitted = table.fit()
    fits = {number: table.fit(left_out=mask, like=fitted) for number, mask in left_out.items()}
    scores = _held_out(fits, fold)
    for features in inputs.choices[1:]:
        other = BaseRows(rows, inputs.base(features, _WIDE))
        tried = {number: other.fit(left_out=mask, like=fits[number]) for number, mask in left_out.items()}
        if better(found := _held_out(tried, fold), than=scores):
            table, fits, scores, fitted = other, tried, found, other.fit(like=fitted)
    tried = {number: table.fit_limited(fits[number], _NARROW, left_out=mask) for number, mask in left_out.items()}
    if better(found := _held_out(tried, fold), than=scores):
        table.settings, fits, scores = replace(table.settings, limit=_NARROW), tried, found
        fitted = table.fit_limited(fitted, _NARROW)
    starts = _starts(table, fits, fold, inputs) if STACKED in inputs.recipe.forms else ()
    return Tried(settings=table.settings, fitted=fitted, log_odds=scores, starts=starts)


def _held_out(fits: Mapping[int, FittedBase], fold: NDArray[np.int64]) -> Array:
    """Return the score of each row by the fit without its fold."""
    scores = np.empty(len(fold))
    for number, fitted in fits.items():
        held = fold == number
        scores[held] = fitted.log_odds()[held]
    return scores


def _starts(
    table: BaseRows, fits: Mapping[int, FittedBase], fold: NDArray[np.int64], inputs: Inputs
) -> tuple[Array, ...]:
    parts = customer_folds(table.rows.features.customer_ids, START_FOLDS, inputs.seed + 1)
    return tuple(table.out_of_fold(fitted, parts, fold == number) for number, fitted in fits.items())
