"""Learners: classes that `models.yaml` names, and that fit a model; the one place where they are registered.

An installed package adds a learner by an entry point of the group `nbo.learners`, whose name is the learner's:

    [project.entry-points."nbo.learners"]
    my_learner = "my_package:MyLearner"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, nearest
from expressions.types import Array
from features.table import FeatureTable
from models.settings import Learning, Training
from models.tree_parameters import SEARCHED, Span, TreeParameters

if TYPE_CHECKING:  # checking a bank's folder should not import LightGBM
    from models.boosting import Boosting
    from models.churn.model import ChurnModel
    from models.propensity.choice import Form
    from models.propensity.families import Families
    from models.propensity.impressions import Impressions
    from models.propensity.model import PropensityModel

CHURN: Final = "churn"
PROPENSITY: Final = "propensity"
GROUP: Final = "nbo.learners"
"""Group of the entry points of installed packages."""


class LearnerClass(Protocol):
    """A learner: made from a model's settings, it fits the models that it lists.

    `fit_propensity` takes impressions, names of features, families and training settings, and returns what
    `models.propensity.model.PropensityModel` is: `predict`, `predict_rows`, `explain`, `prior`, `explain_prior`,
    `names`, `schema`, `chosen`, `to_files`. `fit_churn` likewise returns what `ChurnModel` is. The `kind` in the
    `model.json` that `to_files` writes is the learner's name, and `from_files` reads it back.

    Attributes:
        models: `churn`, `propensity` or both.
        parameters: Frozen dataclass whose fields are the parameters, with defaults.
        searched: Parameters that `nbo tune` searches, and where; a learner without it has none.
    """

    models: ClassVar[tuple[str, ...]]
    parameters: ClassVar[type[Any]]

    def __init__(self, learning: Learning) -> None:
        """Take the settings, whose parameters have been checked."""


@dataclass(frozen=True, slots=True)
class Lightgbm:
    """Trees alone, which start from acceptance rates; for churn from BG/NBD or from the share of churners."""

    models: ClassVar[tuple[str, ...]] = (CHURN, PROPENSITY)
    parameters: ClassVar[type[Any]] = TreeParameters
    searched: ClassVar[Mapping[str, Span]] = SEARCHED
    forms: ClassVar[tuple[Form, ...]] = ("trees",)

    learning: Learning

    def fit_propensity(
        self, rows: Impressions, names: tuple[str, ...], families: Families, training: Training, *, num_threads: int
    ) -> PropensityModel:
        """Fit on impressions whose outcomes are known, as `models.propensity.fitting.fit_propensity` does."""
        from models.propensity.choice import Recipe
        from models.propensity.fitting import fit_propensity

        recipe = Recipe(forms=self.forms, boosting=self._boosting)
        return fit_propensity(rows, names, families, training, num_threads=num_threads, recipe=recipe)

    def fit_churn(
        self,
        features: FeatureTable,
        y: Array,
        names: tuple[str, ...],
        training: Training,
        *,
        known_at: NDArray[np.datetime64],
        num_threads: int,
    ) -> ChurnModel:
        """Fit on customers whose labels are known, as `models.churn.model.fit_churn` does."""
        from models.churn.model import fit_churn

        return fit_churn(
            features, y, names, training, known_at=known_at, num_threads=num_threads, boosting=self._boosting
        )

    @property
    def _boosting(self) -> Boosting:
        from models.boosting import Boosting

        learning = self.learning
        trees = self.parameters(**learning.parameters)
        return Boosting(trees=trees, monotone=learning.monotone, interactions=learning.interactions)


class Hierarchical(Lightgbm):
    """Chooses among acceptance rates, logistic regression, trees and both by what they do out of fold."""

    models: ClassVar[tuple[str, ...]] = (PROPENSITY,)
    forms: ClassVar[tuple[Form, ...]] = ("rates", "base", "trees", "trees on base", "base and trees")


@dataclass(frozen=True, slots=True)
class NoParameters:
    """A learner without parameters."""


class Logistic(Lightgbm):
    """Logistic regression whose weights differ by offer and are pooled over product, attributes and channel."""

    models: ClassVar[tuple[str, ...]] = (PROPENSITY,)
    parameters: ClassVar[type[Any]] = NoParameters
    searched: ClassVar[Mapping[str, Span]] = {}
    forms: ClassVar[tuple[Form, ...]] = ("base",)

    @property
    def _boosting(self) -> Boosting:
        from models.boosting import Boosting

        return Boosting()


class Rates(Logistic):
    """Acceptance rates of offers and channels, shrunk to each other; blind to the customer."""

    forms: ClassVar[tuple[Form, ...]] = ("rates",)


BUILT_IN: Final[Mapping[str, type[Lightgbm]]] = {
    "hierarchical": Hierarchical,
    "lightgbm": Lightgbm,
    "logistic": Logistic,
    "rates": Rates,
}
DEFAULT: Final = {CHURN: "lightgbm", PROPENSITY: "hierarchical"}


def learner_names(model: str) -> tuple[str, ...]:
    """Return the names of the learners for a model, built-in ones first."""
    own = tuple(name for name, learner in BUILT_IN.items() if model in learner.models)
    return (*own, *(name for name in sorted(_installed()) if name not in own))


@cache
def learner_class(name: str) -> Any:
    """Return a learner by name; see `LearnerClass`.

    Raises:
        ModelError: There is no such learner, or its package cannot be imported.

    Example:
        >>> learner_class("lightgbm").models
        ('churn', 'propensity')
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    point = _installed().get(name)
    if point is None:
        expected = nearest(name, (*BUILT_IN, *_installed()))
        raise ModelError("no such learner", got=f"'{name}'", expected=expected, remedy="install its package")
    try:
        return point.load()
    except Exception as error:
        raise ModelError(f"the learner '{name}' cannot be imported", got=f"{type(error).__name__}: {error}") from error


def learner_of(model: str, learning: Learning) -> Any:
    """Return the learner that a model's settings name.

    Args:
        model: `churn` or `propensity`.
        learning: The model's settings.

    Raises:
        ModelError: There is no such learner, or it learns the other model only.
    """
    name = learning.learner or DEFAULT[model]
    found = learner_class(name)
    if model not in found.models:
        raise ModelError(f"'{name}' is no learner of {model}", expected=", ".join(learner_names(model)))
    return found(learning)


def read_model(folder: Path) -> Any:
    """Read a model of any kind from its files: churn, propensity, acceptance rates, or one of an installed learner.

    Raises:
        ModelError: The files are missing or damaged, or the learner's package is not installed.
    """
    from models.churn.model import ChurnModel
    from models.files import kind_of
    from models.propensity.model import PropensityModel
    from models.propensity.rates import KIND, AcceptanceRates

    kind = kind_of(folder)
    own: dict[str, Any] = {CHURN: ChurnModel, PROPENSITY: PropensityModel, KIND: AcceptanceRates}
    return (own.get(kind) or learner_class(kind)).from_files(folder)


def _installed() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}
