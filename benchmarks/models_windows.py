"""Phone offers of a term deposit in file order: windows of 20,000 contacts, refitted every 1,500."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.models_rivals import RIVALS
from models.baselines.per_offer import per_offer_logistic
from models.contact_table import ContactColumns, read_contacts
from models.contacts import catalogue_of_contacts, offers_of_contacts, responses_of_contacts
from models.evaluation.evaluation import evaluate
from models.held_out import MODEL, HeldOutPredictions
from models.propensity.families import families_of
from models.propensity.fitting import fit_propensity
from models.propensity.impressions import impressions
from models.propensity.learner import RowLearner
from models.settings import Training

WINDOW, STEP = 20_000, 1_500


def rolling_windows(frame: pd.DataFrame, columns: ContactColumns) -> dict[str, Any]:
    """Fit on each window and predict what comes next; pool the predictions, as others who used this file did."""
    encoder, table, _ = read_contacts(frame, columns)
    offers, catalogue = offers_of_contacts(table), catalogue_of_contacts(table, encoder)
    names, training = tuple(table.features.columns), Training(segments=())
    families = families_of(catalogue, names, offers)
    rows = impressions(table.features, responses_of_contacts(table), offers, families)
    parts = []
    learners: dict[str, RowLearner] = {MODEL: fit_propensity, **RIVALS}
    for fold, start in enumerate(range(WINDOW, len(rows), STEP)):
        train, test = (
            rows.take(np.arange(start - WINDOW, start)),
            rows.take(np.arange(start, min(start + STEP, len(rows)))),
        )
        scores = {
            name: fit(train, names, families, training, num_threads=2).predict_rows(test)
            for name, fit in learners.items()
        }
        one, other = (np.full(len(part), "term deposit", dtype=object) for part in (train, test))
        scores["per_offer_logistic"] = per_offer_logistic(
            train.features, one, train.y, test.features, other, names=names
        )
        parts.append(
            HeldOutPredictions(
                fold=np.full(len(test), fold),
                customer_ids=test.features.customer_ids,
                as_of=test.features.as_of,
                y=test.y,
                scores=scores,
                groups={},
            )
        )
    return summary(HeldOutPredictions.concatenate(parts))


def summary(held_out: HeldOutPredictions) -> dict[str, Any]:
    """Return the metrics of each learner, and by how much the model is better, with intervals."""
    evaluation, metrics = evaluate(held_out), ("auc", "auc_pooled", "alift", "log_loss")
    measured = {MODEL: evaluation.model, **evaluation.scores}
    return {
        name: {
            **{one: [*_three(measured[name][one])] for one in metrics if one in measured[name]},
            "best_half": _best_half(held_out, name),
            "better": {one: [*_three(better[one])] for one in metrics if one in better},
        }
        for name, better in {MODEL: {}, **evaluation.improvements}.items()
        if name in held_out.scores
    }


def _best_half(held_out: HeldOutPredictions, name: str) -> float:
    """Return the share of the subscribers that the half with the highest scores has."""
    order = np.argsort(-held_out.scores[name], kind="stable")
    return float(held_out.y[order[: len(order) // 2]].sum() / held_out.y.sum())


def _three(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
