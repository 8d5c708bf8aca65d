"""Churn beside BG/NBD, logistic regression and plain LightGBM: customers drawn by a known process, and BPI 2012."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from benchmarks.models_rivals import PLAIN
from expressions.types import Array, Category, Number
from features.store.watermark import Watermark
from features.table import FeatureTable
from models.baselines.bg_nbd import NEEDED_FEATURES, bg_nbd_scores
from models.baselines.per_offer import per_offer_logistic
from models.baselines.popularity import prevalence
from models.calibration import fit_calibration
from models.churn.model import fit_churn
from models.churn.rows import ChurnRows
from models.evaluation.evaluation import evaluate
from models.held_out import MODEL, HeldOutPredictions
from models.settings import Training
from models.splits import evaluation_folds
from nbo.api.opening import parts_below
from pipelines.training_rows import churn_rows

_DAY = np.timedelta64(86_400_000_000, "us")
_HORIZON = 60
_ANCHORS = np.arange(180, 541, 30)
_TREES = 100


def churn_results(home: Path) -> list[dict[str, Any]]:
    """Judge on rows that came later, in three folds.

    Args:
        home: Home of a finished run of the bank bpi2012; left out if there is none.
    """
    found = [_judged(name, rows, _HORIZON) for name, rows in _synthetic_sets()]
    if (home / "banks" / "bpi2012" / "feature_store").exists():
        components = parts_below(Path("banks/bpi2012"), home)
        watermark, label = Watermark.read(components.places.feature_store), components.bank.models.churn
        assert watermark is not None
        assert label is not None
        rows = churn_rows(components, watermark.complete_until)
        found.append(_judged("BPI 2012 cancellation", rows, label.horizon_days, components.bank.models.training))
    return found


def _judged(name: str, rows: ChurnRows, horizon: int, training: Training = Training(segments=())) -> dict[str, Any]:  # noqa: B008
    rows = rows.take(~np.isnan(rows.y))
    features, y, known_at = rows.features, rows.y, rows.known_at
    parts, forms = [], []
    for fold in evaluation_folds(features.customer_ids, features.as_of, known_at, training):
        train, test, answers = features.take(fold.train), features.take(fold.test), y[fold.train]
        model = fit_churn(train, answers, rows.names, training, known_at=known_at[fold.train], num_threads=2)
        forms.append(model.chosen.split(",")[0])
        scores = {
            MODEL: model.predict(test),
            "prevalence": prevalence(answers, len(test)),
            "logistic": per_offer_logistic(train, _one(train), answers, test, _one(test), names=rows.names),
            "plain_lightgbm": _plain(train, answers, test, rows.names, training),
        }
        if all(needed in features.columns for needed in NEEDED_FEATURES):
            gone, asked = bg_nbd_scores(train, test, horizon, training.seed)
            scores["bg_nbd"] = fit_calibration(gone, answers).apply(asked)
        parts.append(
            HeldOutPredictions(
                fold=np.full(len(test), fold.index),
                customer_ids=test.customer_ids,
                as_of=test.as_of,
                y=y[fold.test],
                scores=scores,
                groups={},
            )
        )
    evaluation = evaluate(HeldOutPredictions.concatenate(parts))
    metrics = ("auc", "log_loss")
    return {
        "name": name,
        "rows": evaluation.rows,
        "positives": evaluation.positives,
        "forms": list(dict.fromkeys(forms)),
        "model": {one: _three(evaluation.model[one]) for one in metrics},
        "over": {
            rival: {one: _three(better[one]) for one in metrics} for rival, better in evaluation.improvements.items()
        },
    }


def _one(table: FeatureTable) -> NDArray[np.object_]:
    return np.full(len(table), "all", dtype=object)


def _plain(train: FeatureTable, y: Array, test: FeatureTable, names: tuple[str, ...], training: Training) -> Array:
    categories = [place for place, name in enumerate(names) if isinstance(train.schema[name], Category)]
    dataset = lightgbm.Dataset(train.matrix(names), y, categorical_feature=categories)
    booster = lightgbm.train(PLAIN | {"num_threads": 2, "seed": training.seed}, dataset, num_boost_round=_TREES)
    probability = np.asarray(booster.predict(test.matrix(names)), dtype=np.float64)
    return np.clip(probability, 1e-9, 1.0 - 1e-9)


def _three(estimate: Any) -> list[float]:
    return [float(estimate.value), float(estimate.low), float(estimate.high)]


def _synthetic_sets() -> Iterator[tuple[str, ChurnRows]]:
    yield "drawn by BG/NBD itself, 2,000 customers", _drawn(2_000, seed=1, complaints=0.0)
    yield "complaints make customers leave, 2,000 customers", _drawn(2_000, seed=2, complaints=2.0)
    yield "complaints make customers leave, 200 customers", _drawn(200, seed=3, complaints=2.0)


def _drawn(customers: int, *, seed: int, complaints: float) -> ChurnRows:
    """Draw active days at gamma-distributed rates; after each, a customer leaves with a probability of its own.

    Args:
        customers: Number of customers.
        seed: Seed of the draws.
        complaints: Log-odds of leaving that a complaint of the last 60 days adds.
    """
    random, tables = np.random.default_rng(seed), []
    for number in range(customers):
        rate, leaving = random.gamma(1.2, 1 / 12.0), random.beta(1.0, 20.0)
        complained = np.sort(random.uniform(0.0, 720.0, random.poisson(2.0)))
        days, day = [], float(random.uniform(0.0, 170.0))
        while day < 720.0:
            days.append(day)
            recent = ((complained > day - 60.0) & (complained <= day)).any()
            odds = leaving / (1.0 - leaving) * np.exp(complaints * recent)
            if random.random() < odds / (1.0 + odds):
                break
            day += random.exponential(1.0 / rate)
        tables.append(_anchored(f"c{number:05d}", np.array(days), complained, random))
    names = tuple(tables[0])[3:]
    columns: Mapping[str, Array] = {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}
    as_of = np.datetime64("2025-01-01", "us") + columns["anchor"].astype(int) * _DAY
    ids = np.concatenate(
        [np.full(len(one["anchor"]), one["id"][0] if len(one["id"]) else "", object) for one in tables]
    )
    table = FeatureTable(ids, as_of, {name: columns[name] for name in names}, dict.fromkeys(names, Number()))
    return ChurnRows(table, columns["churned"], as_of + _HORIZON * _DAY, names)


def _anchored(customer: str, days: Array, complained: Array, random: np.random.Generator) -> dict[str, Any]:
    """Return the rows of a customer at the anchors at which it was active within 90 days."""
    anchors = np.array([one for one in _ANCHORS if ((days < one) & (days >= one - 90)).any()])
    before = [days[days < one] for one in anchors]

    def count(moments: Array, window: int) -> Array:
        return np.array([((moments < one) & (moments >= one - window)).sum() for one in anchors], dtype=np.float64)

    return {
        "id": np.full(len(anchors), customer, dtype=object),
        "anchor": anchors.astype(np.float64),
        "churned": np.array([not ((days >= one) & (days < one + _HORIZON)).any() for one in anchors], dtype=np.float64),
        "days_since_first_activity": np.array([one - own[0] for one, own in zip(anchors, before, strict=True)]),
        "days_since_activity": np.array([one - own[-1] for one, own in zip(anchors, before, strict=True)]),
        "active_days_365d": count(days, 365),
        "active_days_30d": count(days, 30),
        "active_days_90d": count(days, 90),
        "complaints_60d": count(complained, 60),
        **{f"noise_{place}": random.normal(size=len(anchors)) for place in range(10)},
    }
