"""Chooses what the trees of churn start from, by what they do on rows they were not fitted on."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from features.table import FeatureTable
from models.baselines.popularity import prevalence
from models.boosting import TreeRows, grow_on_folds
from models.calibration import logit
from models.choice import Choice, HeldOutRows
from models.churn.inactivity import Inactivity, start_scores
from models.settings import Training
from models.splits import choice_folds, held_out_in, thin

Form = Literal["trees on BG/NBD", "trees"]
"""Trees that start from BG/NBD's log-odds, or from the share of customers who leave."""

ON_BG_NBD: Final[Form] = "trees on BG/NBD"
TREES: Final[Form] = "trees"
_CHOICE_ROWS: Final = 100_000
"""Rows on which start and number of trees are chosen; more would choose about the same."""


def choose(
    rows: TreeRows,
    inactivity: Inactivity | None,
    features: FeatureTable,
    known_at: NDArray[np.datetime64],
    training: Training,
) -> Choice[Form]:
    """Grow trees from each start on folds of customers, and choose the start whose held-out log loss is the best.

    Within noise that is BG/NBD: with few customers it is what is known best.

    Args:
        rows: Training rows; BG/NBD's log-odds are the last column, if there is one.
        inactivity: The fitted BG/NBD; without it trees have one start, the share of customers who leave.
        features: The same rows.
        known_at: When each label was complete, shape (n,).
        training: Training settings; scores follow the level of the latest labels unless evaluation is on other
            customers at any time.
    """
    forms = (TREES,) if inactivity is None else (ON_BG_NBD, TREES)
    kept = np.flatnonzero(thin(features.customer_ids, _CHOICE_ROWS, training.seed))
    customers = features.customer_ids[kept]
    folds = [(kept[train], kept[test]) for train, test in choice_folds(customers, training.seed)]
    log_odds = rows.matrix[:, -1].astype(np.float64)
    trees: dict[Form, int] = {}
    scores: dict[Form, Array] = {}
    for form in forms:
        starts = []
        for train, _ in folds:
            weighted, average = started(form, inactivity, log_odds[train], rows.y[train])
            starts.append(average + start_scores(weighted, log_odds))
        trees[form], grown = grow_on_folds(rows, starts, folds)
        scores[form] = grown[kept]
    held_out = HeldOutRows(
        y=rows.y[kept],
        fold=held_out_in(folds, len(rows.y))[kept],
        customers=customers,
        as_of=features.as_of[kept],
        known_at=known_at[kept],
    )
    return held_out.choose(forms, scores, trees, follows=training.evaluated_by == "time")


def started(form: Form, inactivity: Inactivity | None, log_odds: Array, y: Array) -> tuple[Inactivity | None, float]:
    """Return BG/NBD with the weight that a form and labels give it, and the log-odds of the average row.

    Args:
        form: What the trees start from.
        inactivity: The fitted BG/NBD, of weight 0.
        log_odds: Its log-odds, or any column without it, shape (n,).
        y: Labels, shape (n,).
    """
    if form == ON_BG_NBD and inactivity is not None:
        return inactivity.weighted(log_odds, y)
    return inactivity, float(logit(prevalence(y, 1))[0])
