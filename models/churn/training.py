"""Trains churn: evaluated on rolling folds beside its baselines, then fitted on all known labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.errors import DataError
from models.baselines.bg_nbd import NEEDED_FEATURES, bg_nbd_scores
from models.baselines.popularity import prevalence
from models.calibration import fit_calibration
from models.churn.learner import ChurnLearner, FittedChurn
from models.churn.model import fit_churn
from models.churn.rows import ChurnRows
from models.held_out import MODEL, HeldOutPredictions
from models.segments import segment_names
from models.settings import Training
from models.splits import evaluated_on, evaluation_folds, thin


@dataclass(frozen=True, slots=True)
class TrainedChurn:
    """The model for production, and the held-out predictions of models trained the same way on each fold.

    Attributes:
        model: Fitted on all rows with known labels.
        held_out: Held-out predictions of the folds, with baselines `prevalence` and, if activity is known, `bg_nbd`.
        rows: Number of rows that the model was fitted on.
        evaluated_on: What the held-out rows were, in words.
    """

    model: FittedChurn
    held_out: HeldOutPredictions
    rows: int
    evaluated_on: str


def train_churn(
    rows: ChurnRows,
    training: Training,
    *,
    horizon_days: float,
    learner: ChurnLearner = fit_churn,
    num_threads: int = 2,
    progress: Callable[[str], None] = lambda step: None,
) -> TrainedChurn:
    """Evaluate on rolling folds, then fit on all mature rows.

    Args:
        rows: Customers at anchors; those whose label is not mature are left out.
        training: Folds, embargo, segments, seed.
        horizon_days: Days of inactivity that the baseline BG/NBD predicts.
        learner: Fits the model.
        num_threads: Number of LightGBM threads; the result does not depend on it.
        progress: Called with a description of each finished step.

    Raises:
        DataError: If there are no mature rows, or the history is too short for the folds.
        ModelError: If a training range has too few rows of either outcome.
    """
    mature = ~np.isnan(rows.y)
    if not mature.any():
        raise DataError(
            "no churn label is mature yet",
            got=f"{len(rows)} rows, all with an open horizon",
            remedy="bring more history, or shorten `churn.horizon_days`",
        )
    kept = np.flatnonzero(mature)
    kept = kept[thin(rows.features.customer_ids[kept], training.maximum_rows, training.seed)]
    rows = rows.take(kept)
    features, y, known_at, names = rows.features, rows.y, rows.known_at, rows.names
    parts: list[HeldOutPredictions] = []
    for fold in evaluation_folds(features.customer_ids, features.as_of, known_at, training):
        train, test = features.take(fold.train), features.take(fold.test)
        answers = y[fold.train]
        model = learner(train, answers, names, training, known_at=known_at[fold.train], num_threads=num_threads)
        scores = {MODEL: model.predict(test, num_threads=num_threads), "prevalence": prevalence(answers, len(test))}
        if all(name in features.columns for name in NEEDED_FEATURES):
            gone, asked = bg_nbd_scores(train, test, horizon_days, training.seed)
            scores["bg_nbd"] = fit_calibration(gone, answers).apply(asked)
        parts.append(
            HeldOutPredictions(
                fold=np.full(len(test), fold.index, dtype=np.int64),
                customer_ids=test.customer_ids,
                as_of=test.as_of,
                y=y[fold.test],
                scores=scores,
                groups={name: segment_names(test, name) for name in training.segments},
            )
        )
        progress(f"churn fold {fold.index + 1} of {training.folds}")
    model = learner(features, y, names, training, known_at=known_at, num_threads=num_threads)
    progress("churn model")
    return TrainedChurn(model, HeldOutPredictions.concatenate(parts), len(y), evaluated_on(features.as_of, training))
