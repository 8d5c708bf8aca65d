"""Chooses the form of a propensity model by what it does on rows it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.boosting import Boosting, TreeRows, grow_on_folds
from models.calibration import UNCALIBRATED, Calibration, calibration_of_folds, logit
from models.drift import recent_shift
from models.evaluation.paired import standard_error
from models.evaluation.probability import log_losses
from models.propensity.base_fit import BaseRows, BaseSettings, FittedBase
from models.propensity.families import Families
from models.propensity.groups import Groups
from models.propensity.impressions import Impressions
from models.propensity.trees import TreeInputs
from models.splits import customer_folds

Folds: TypeAlias = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]

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
class Choice:
    """What was chosen, and the held-out log losses it was chosen by.

    Attributes:
        form: Which parts the model has.
        inputs: Customer features that base and trees read beside family columns.
        limit: Limit of the base's inputs, in standard deviations.
        trees: Number of trees.
        calibration: Map of the scores to probabilities.
        shift: What it moves log-odds by to the level of the latest outcomes.
        losses: Form -> log loss on held-out rows.
    """

    form: Form
    inputs: tuple[str, ...]
    limit: float
    trees: int
    calibration: Calibration
    shift: float
    losses: dict[str, float]

    def in_words(self) -> str:
        """Say which form won, and by what."""
        if not self.losses:
            return f"{self.form}: too few outcomes of one kind to try anything else"
        moved = f"; log-odds moved by {self.shift:+.3f} to the level of the latest outcomes" if self.shift else ""
        if len(self.losses) == 1:
            loss = next(iter(self.losses.values()))
            return f"{self.form}, {self.trees} trees; log loss {loss:.5f} on other customers{moved}"
        losses = ", ".join(f"{form} {loss:.5f}" for form, loss in self.losses.items())
        where = "by log loss on rows of other customers"
        return f"{self.form}, {self.trees} trees, the simplest within noise {where}: {losses}{moved}"


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


def choose(rows: Impressions, inputs: Inputs, folds: Folds, *, num_threads: int) -> tuple[Choice, Fits]:
    """Fit every form on each fold, and choose the simplest whose held-out log loss is the best within noise.

    Within noise means: worse by less than the standard error of the paired difference, over customers.

    Trees that are judged on a fold start from scores of fits that saw neither this fold nor the row. Scores of the
    comparison of bases, whose fits saw it, will not do: the outcomes of the fold push them one way, trees learn to
    push back, and on the fold that is the wrong way.

    Args:
        rows: Training rows.
        inputs: Features to choose from.
        folds: Ascending places of training and held-out rows, for each fold; each row is held out once.
        num_threads: Number of LightGBM threads.
    """
    fold, forms = np.empty(len(rows), dtype=np.int64), inputs.recipe.forms
    for number, (_, test) in enumerate(folds):
        fold[test] = number
    customers = rows.features.customer_ids
    rates = _tried_rates(rows, inputs, fold)
    base = _tried_base(rows, inputs, fold) if _WITH_BASE & set(forms) else None
    settings = inputs.base(inputs.choices[0], _WIDE) if base is None else base.settings
    by_form: dict[Form, Array] = {RATES: rates.log_odds}
    trees: dict[Form, int] = dict.fromkeys(FORMS, 0)
    tree_rows = None
    if NOT_LINEAR & set(forms):
        tree_rows = inputs.trees(settings.inputs).rows(rows, inputs.boosting, num_threads=num_threads)
        if {TREES, AVERAGED} & set(forms):
            trees[TREES], by_form[TREES] = _grown(tree_rows, rates.starts, folds)
    if base is not None:
        by_form[BASE] = base.log_odds
        if STACKED in forms and tree_rows is not None:
            trees[STACKED], by_form[STACKED] = _grown(tree_rows, base.starts, folds)
        if AVERAGED in forms:
            trees[AVERAGED] = trees[TREES]
            by_form[AVERAGED] = BASE_SHARE * by_form[BASE] + (1.0 - BASE_SHARE) * by_form[TREES]

    losses = {form: log_losses(expit(by_form[form]), rows.y) for form in forms}
    form = simplest(forms, losses, customers)
    calibration, shift = calibration_of_folds(by_form[form], rows.y, fold, customers), 0.0
    if inputs.follows:
        calibrated = logit(calibration.apply(expit(by_form[form])))
        shift = recent_shift(calibrated, rows.y, rows.features.as_of, rows.known_at)
    choice = Choice(
        form=form,
        inputs=settings.inputs,
        limit=settings.limit,
        trees=trees[form],
        calibration=calibration.moved(shift),
        shift=shift,
        losses={name: float(loss.mean()) for name, loss in losses.items()},
    )
    return choice, Fits(rates=rates, base=base, trees=tree_rows)


def only_rates(inputs: Inputs) -> Choice:
    """Return the choice where there are too few outcomes to try anything else."""
    return Choice(
        form=RATES,
        inputs=inputs.choices[0],
        limit=_WIDE,
        trees=0,
        calibration=UNCALIBRATED,
        shift=0.0,
        losses={},
    )


def simplest(order: Sequence[Form], losses: dict[Form, Array], customers: NDArray[np.object_]) -> Form:
    """Return the first of the forms that is not worse than the best one by more than a standard error."""
    best = min(order, key=lambda form: float(losses[form].mean()))
    for form in order:
        worse = losses[form] - losses[best]
        if worse.mean() <= standard_error(worse, customers):
            return form
    return best


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
        gain = log_losses(expit(than), rows.y) - log_losses(expit(scores), rows.y)
        return bool(gain.mean() > standard_error(gain, rows.features.customer_ids))

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


def _grown(rows: TreeRows, starts: Sequence[Array], folds: Folds) -> tuple[int, Array]:
    """Return the number of trees, and the held-out scores of all rows."""
    trees, grown = grow_on_folds(rows, starts, folds)
    scores = np.empty(len(rows.y))
    for (_, test), score in zip(folds, grown, strict=True):
        scores[test] = score
    return trees, scores
