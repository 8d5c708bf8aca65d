"""Phone offers of a term deposit in file order: windows of 20,000 contacts, refitted every 1,500."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.models_rivals import plain_lightgbm
from models.contact_table import ContactColumns, read_contacts
from models.contacts import catalogue_of_contacts, offers_of_contacts, responses_of_contacts
from models.evaluation.evaluation import evaluate
from models.held_out import MODEL, HeldOutPredictions
from models.propensity.families import families_of
from models.propensity.fitting import fit_propensity
from models.propensity.impressions import impressions
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
    for fold, start in enumerate(range(WINDOW, len(rows), STEP)):
        train, test = (
            rows.take(np.arange(start - WINDOW, start)),
            rows.take(np.arange(start, min(start + STEP, len(rows)))),
        )
        scores = {
            name: fit(train, names, families, training, num_threads=2).predict_rows(test)
            for name, fit in ((MODEL, fit_propensity), ("plain_lightgbm", plain_lightgbm))
        }
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
    judged = HeldOutPredictions.concatenate(parts)
    evaluation, order = evaluate(judged), np.argsort(-judged.scores[MODEL], kind="stable")
    better = evaluation.improvements["plain_lightgbm"]
    metrics = ("auc", "auc_pooled", "alift", "log_loss")
    return {
        "model": {one: [*_three(evaluation.model[one])] for one in metrics},
        "plain_lightgbm": {one: [*_three(evaluation.scores["plain_lightgbm"][one])] for one in metrics},
        "better": {one: [*_three(better[one])] for one in metrics},
        "best_half": float(judged.y[order[: len(order) // 2]].sum() / judged.y.sum()),
    }


def _three(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
