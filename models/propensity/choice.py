"""Chooses the form of a propensity model by what it does on rows it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.boosting import Boosting, grow_on_folds
from models.calibration import UNCALIBRATED, Calibration, calibration_of_folds
from models.evaluation.paired import standard_error
from models.evaluation.probability import log_losses
from models.propensity.base import BaseSettings, FittedBase, fit_base
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
BASE_FOLDS: Final = 3
"""Customer folds for the out-of-fold base scores that trees start from; more change little."""
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
    """

    choices: tuple[tuple[str, ...], ...]
    families: Families
    groups: Groups
    recipe: Recipe
    seed: int

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
        losses: Form -> log loss on held-out rows.
    """

    form: Form
    inputs: tuple[str, ...]
    limit: float
    trees: int
    calibration: Calibration
    losses: dict[str, float]

    def in_words(self) -> str:
        """Say which form won, and by what."""
        if not self.losses:
            return f"{self.form}: too few outcomes of one kind to try anything else"
        if len(self.losses) == 1:
            return (
                f"{self.form}, {self.trees} trees; log loss {next(iter(self.losses.values())):.5f} on other customers"
            )
        losses = ", ".join(f"{form} {loss:.5f}" for form, loss in self.losses.items())
        where = "by log loss on rows of other customers"
        return f"{self.form}, {self.trees} trees, the simplest within noise {where}: {losses}"


def choose(rows: Impressions, inputs: Inputs, folds: Folds, *, num_threads: int) -> Choice:
    """Fit every form on each fold, and choose the simplest whose held-out log loss is the best within noise.

    Within noise means: worse by less than the standard error of the paired difference, over customers.

    Args:
        rows: Training rows.
        inputs: Features to choose from.
        folds: Positions of training and held-out rows, for each fold.
        num_threads: Number of LightGBM threads.
    """
    held = np.concatenate([test for _, test in folds])
    y, customers = rows.y[held], rows.features.customer_ids[held]
    parts = [(rows.take(train), rows.take(test)) for train, test in folds]
    fold = np.repeat(np.arange(len(parts)), [len(test) for _, test in parts])

    forms = inputs.recipe.forms
    settings = inputs.base(inputs.choices[0], _WIDE)
    fitted: list[FittedBase] = []
    if any(form in _WITH_BASE for form in forms):
        settings, fitted = _fitted_bases(parts, y, customers, inputs)
    bases = [_starts(one, train, test, inputs.seed) for one, (train, test) in zip(fitted, parts, strict=False)]
    del fitted
    rates = [_starts(fit_base(train, inputs.rates), train, test, inputs.seed) for train, test in parts]
    by_form: dict[Form, Array] = {RATES: np.concatenate([score for _, score in rates])}
    if bases:
        by_form[BASE] = np.concatenate([score for _, score in bases])
    trees: dict[Form, int] = dict.fromkeys(FORMS, 0)
    for form, starts, wanted in ((TREES, rates, {TREES, AVERAGED}), (STACKED, bases, {STACKED})):
        if wanted & set(forms):
            trees[form], grown = _grown(parts, starts, inputs.trees(settings.inputs), inputs.boosting, num_threads)
            by_form[form] = np.concatenate([start + score for (_, start), score in zip(starts, grown, strict=True)])
    if AVERAGED in forms:
        by_form[AVERAGED] = BASE_SHARE * by_form[BASE] + (1.0 - BASE_SHARE) * by_form[TREES]
        trees[AVERAGED] = trees[TREES]

    losses = {form: log_losses(expit(by_form[form]), y) for form in forms}
    form = simplest(forms, losses, customers)
    return Choice(
        form=form,
        inputs=settings.inputs,
        limit=settings.limit,
        trees=trees[form],
        calibration=calibration_of_folds(by_form[form], y, fold, customers),
        losses={name: float(loss.mean()) for name, loss in losses.items()},
    )


def only_rates(inputs: Inputs) -> Choice:
    """Return the choice where there are too few outcomes to try anything else."""
    return Choice(
        form=RATES,
        inputs=inputs.choices[0],
        limit=_WIDE,
        trees=0,
        calibration=UNCALIBRATED,
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


def _fitted_bases(
    parts: Sequence[tuple[Impressions, Impressions]], y: Array, customers: NDArray[np.object_], inputs: Inputs
) -> tuple[BaseSettings, list[FittedBase]]:
    """Choose the base's inputs, then their limit, by held-out log loss; within noise few inputs and a wide limit.

    Returns:
        The settings, and the fit of each fold.
    """
    best: tuple[Array, BaseSettings, list[FittedBase]] | None = None
    wide = [inputs.base(features, _WIDE) for features in inputs.choices]
    for place in range(len(wide) + 1):
        settings = wide[place] if place < len(wide) or best is None else replace(best[1], limit=_NARROW)
        fitted = [fit_base(train, settings) for train, _ in parts]
        scores = [one.base.row_log_odds(test) for one, (_, test) in zip(fitted, parts, strict=True)]
        loss = log_losses(expit(np.concatenate(scores)), y)
        if best is None or (best[0] - loss).mean() > standard_error(best[0] - loss, customers):
            best = loss, settings, fitted
    assert best is not None
    return best[1], best[2]


def _starts(fitted: FittedBase, train: Impressions, test: Impressions, seed: int) -> tuple[Array, Array]:
    """Return out-of-fold scores of the training rows, and scores of the held-out ones."""
    folds = customer_folds(train.features.customer_ids, BASE_FOLDS, seed)
    return fitted.out_of_fold(folds), fitted.base.row_log_odds(test)


def _grown(
    parts: Sequence[tuple[Impressions, Impressions]],
    starts: Sequence[tuple[Array, Array]],
    inputs: TreeInputs,
    boosting: Boosting,
    num_threads: int,
) -> tuple[int, list[Array]]:
    folds = [
        (inputs.rows(train, first), inputs.rows(test, second))
        for (train, test), (first, second) in zip(parts, starts, strict=True)
    ]
    columns = inputs.columns(parts[0][0].features.schema)
    return grow_on_folds(folds, columns, boosting, num_threads=num_threads)
