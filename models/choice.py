"""Chooses the form of a model by what each form does on rows it was not fitted on, and calibrates it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.calibration import Calibration, calibration_of_folds, logit
from models.drift import recent_shift
from models.evaluation.paired import first_within_noise
from models.evaluation.probability import log_losses

Form = TypeVar("Form", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Generic[Form]):
    """The form that was chosen, and the held-out log losses it was chosen by.

    Attributes:
        form: How the model is made.
        trees: Number of trees.
        calibration: Map of the scores to probabilities.
        shift: What it moves log-odds by to the level of the latest outcomes.
        losses: Form -> log loss on held-out rows, the preferred form first.
    """

    form: Form
    trees: int
    calibration: Calibration
    shift: float
    losses: Mapping[Form, float]

    def in_words(self) -> str:
        """Say which form won, and by what."""
        if not self.losses:
            return f"{self.form}: too few outcomes of one kind to try anything else"
        moved = f"; log-odds moved by {self.shift:+.3f} to the level of the latest outcomes" if self.shift else ""
        if len(self.losses) == 1:
            loss = next(iter(self.losses.values()))
            return f"{self.form}, {self.trees} trees; log loss {loss:.5f} on other customers{moved}"
        losses = ", ".join(f"{form} {loss:.5f}" for form, loss in self.losses.items())
        why = "the first within noise of the lowest log loss on rows of other customers"
        return f"{self.form}, {self.trees} trees, {why}: {losses}{moved}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutRows:
    """n rows on which a choice is made.

    Attributes:
        y: Outcomes, shape (n,).
        fold: Fold that each row is held out in, shape (n,).
        customers: Customer of each row, shape (n,).
        as_of: Moments of the rows, shape (n,).
        known_at: When each outcome was known, shape (n,).
    """

    y: Array
    fold: NDArray[np.int64]
    customers: NDArray[np.object_]
    as_of: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]

    def choose(
        self, forms: Sequence[Form], log_odds: Mapping[Form, Array], trees: Mapping[Form, int], *, follows: bool
    ) -> Choice[Form]:
        """Choose the first form whose held-out log loss is the best within noise, and calibrate it.

        Within noise means: worse by less than the standard error of the paired difference, over customers.

        Args:
            forms: Forms to choose from, the preferred one first.
            log_odds: Form -> scores of each row by fits without its fold, shape (n,).
            trees: Form -> number of trees.
            follows: Whether scores follow the level of the latest outcomes.
        """
        losses = {form: log_losses(expit(log_odds[form]), self.y) for form in forms}
        form = first_within_noise(forms, losses, self.customers)
        scores, shift = log_odds[form], 0.0
        calibration = calibration_of_folds(scores, self.y, self.fold, self.customers)
        if follows:
            calibrated = logit(calibration.apply(expit(scores)))
            shift = recent_shift(calibrated, self.y, self.as_of, self.known_at)
        return Choice(
            form=form,
            trees=trees[form],
            calibration=calibration.moved(shift),
            shift=shift,
            losses={name: float(loss.mean()) for name, loss in losses.items()},
        )
