"""Hillstrom's trial of e-mails: what customers would have done in the arm that a model chooses for each of them.

Arms were drawn at random, each with probability 1/3. So the mean over the customers whose arm happens to be the chosen
one is the mean over all customers if the model had chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.models_rivals import plain_lightgbm
from models.contact_table import ContactColumns, read_contacts
from models.contacts import catalogue_of_contacts, offers_of_contacts, responses_of_contacts
from models.propensity.families import families_of
from models.propensity.fitting import fit_propensity
from models.propensity.impressions import Impressions, impressions
from models.settings import Training
from models.splits import customer_folds

_FOLDS = 3
_DRAWS = 2_000
_ANSWERS = {"visit": "visit", "spend": "conversion"}
"""What is to be gained -> the answer that is learned; its value is the mean spend of those who answered, by arm."""


def hillstrom_arms(file: Path) -> dict[str, Any]:
    """Learn on two thirds of the customers, choose an arm for each of the rest, and look at what they did."""
    frame = pd.read_csv(file)
    return {gain: _arms(frame, gain, answer) for gain, answer in _ANSWERS.items()}


def _arms(frame: pd.DataFrame, gain: str, answer: str) -> dict[str, Any]:
    others = tuple({"visit", "conversion", "spend", "history_segment"} - {answer})
    encoder, table, _ = read_contacts(frame, ContactColumns(offer="segment", accepted=answer, exclude=others))
    offers, catalogue = offers_of_contacts(table), catalogue_of_contacts(table, encoder)
    names, training = tuple(table.features.columns), Training(segments=())
    families = families_of(catalogue, names, offers)
    rows = impressions(table.features, responses_of_contacts(table), offers, families)
    gained = frame[gain].to_numpy(dtype=np.float64)
    fold = customer_folds(rows.features.customer_ids, _FOLDS, training.seed)
    chosen = {name: np.zeros(len(rows), dtype=np.int64) for name in ("model", "plain LightGBM", "best arm for all")}
    for number in range(_FOLDS):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        for name, fit in (("model", fit_propensity), ("plain LightGBM", plain_lightgbm)):
            scorer = fit(rows.take(train), names, families, training, num_threads=1)
            probability = np.stack(
                [scorer.predict_rows(_in_arm(rows.take(test), arm)) for arm in range(len(rows.pairs))], axis=1
            )
            chosen[name][test] = (probability * _values(rows.pair[train], rows.y[train], gained[train])).argmax(axis=1)
        means = [gained[train][rows.pair[train] == arm].mean() for arm in range(len(rows.pairs))]
        chosen["best arm for all"][test] = int(np.argmax(means))
    return _gains(rows.pair, gained, chosen)


def _in_arm(rows: Impressions, arm: int) -> Impressions:
    return replace(rows, pair=np.full(len(rows), arm))


def _values(arm: NDArray[np.int64], y: NDArray[np.float64], gained: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean gain of those who answered, by arm, shrunk to the mean of all arms as if it had 100 answers."""
    overall = gained[y == 1.0].mean()
    sums, counts = np.bincount(arm, gained * y), np.bincount(arm, y)
    shrunk: NDArray[np.float64] = (sums + 100.0 * overall) / (counts + 100.0)
    return shrunk


def _gains(
    arm: NDArray[np.int64], gained: NDArray[np.float64], chosen: Mapping[str, NDArray[np.int64]]
) -> dict[str, list[float]]:
    """Return the mean gain of each way to choose, and by how much the model's is better, with 95 % intervals."""
    random, everybody = np.random.default_rng(7), np.ones(len(arm), dtype=bool)
    matches = {name: one == arm for name, one in chosen.items()} | {"an arm at random": everybody}
    sums = np.stack(
        [same * gained for same in matches.values()] + [same.astype(np.float64) for same in matches.values()]
    )
    drawn = np.stack([sums @ random.poisson(1.0, len(arm)) for _ in range(_DRAWS)], axis=1)
    draws = dict(zip(matches, drawn[: len(matches)] / drawn[len(matches) :], strict=True))
    found: dict[str, list[float]] = {}
    for name, same in matches.items():
        low, high = np.quantile(draws[name], [0.025, 0.975])
        found[name] = [float(gained[same].mean()), float(low), float(high)]
        if name != "model":
            low, high = np.quantile(draws["model"] - draws[name], [0.025, 0.975])
            found[f"better than {name}"] = [found["model"][0] - found[name][0], float(low), float(high)]
    return found
