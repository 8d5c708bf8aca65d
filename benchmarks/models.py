"""The propensity model beside plain learners, on public data sets, on synthetic ones, and on the demo bank's truth.

`make bench-models` runs it. NBO_DATA names the folder of public data, NBO_HOME the home of finished runs of the banks
demo and bpi2012; what is not there is left out, and said so.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.measure import surroundings
from benchmarks.models_arms import hillstrom_arms
from benchmarks.models_churn import churn_results
from benchmarks.models_demo import demo_shares
from benchmarks.models_rivals import RIVALS
from benchmarks.models_sets import ContactSet, bank_marketing, public_sets, synthetic, synthetic_sets
from benchmarks.models_windows import rolling_windows
from benchmarks.pages import write_page
from models.contacts import ContactModel, fit_contacts
from models.evaluation.probability import log_losses
from models.settings import Training

RESULTS = Path(__file__).parent / "results" / "models.json"
_METRICS = ("auc", "log_loss")


def main() -> None:
    """Measure, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=("sets", "windows", "arms", "churn", "demo", "speed"))
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the measurement of speed")
    parser.add_argument("--draws", type=int, default=5, help="draws of training rows of the demo bank")
    options = parser.parse_args()
    _save({"surroundings": surroundings("lightgbm", "numpy", "scikit-learn")})
    data = Path(os.environ.get("NBO_DATA", "../shared/data"))
    if "sets" in options.only:
        found: list[dict[str, Any]] = []
        for one in itertools.chain(public_sets(data), synthetic_sets()):
            found.append(_measured(one))
            _save({"sets": found})
    marketing = data / "bank_marketing" / "bank-additional-full.csv.gz"
    if "windows" in options.only and marketing.exists():
        _save({"windows": rolling_windows(*bank_marketing(marketing))})
    hillstrom = data / "hillstrom" / "hillstrom.csv.gz"
    if "arms" in options.only and hillstrom.exists():
        _save({"arms": hillstrom_arms(hillstrom)})
    home = Path(os.environ.get("NBO_HOME", ".nbo"))
    if "churn" in options.only:
        _save({"churn": churn_results(home)})
    if "demo" in options.only and (home / "banks" / "demo" / "feature_store").exists():
        _save({"demo": demo_shares(home, options.draws)})
    if "speed" in options.only:
        _save({"speed": _speed(options.rows)})
    write_page()


def _save(found: Mapping[str, Any]) -> None:
    """Keep what was measured beside what is there: a whole run takes long, and its parts can be run alone."""
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**before, **found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found), flush=True)


def _measured(one: ContactSet) -> dict[str, Any]:
    started = time.process_time()
    fitted = fit_contacts(one.frame, one.columns, training=Training(segments=()), rivals=RIVALS)
    result = _quality(one.name, fitted) | {"cpu_seconds": time.process_time() - started}
    return result if one.new is None else result | _of_truth(one, fitted)


def _quality(name: str, fitted: ContactModel) -> dict[str, Any]:
    evaluation = fitted.evaluation
    if evaluation is None:
        return {"name": name, "rows": 0}
    return {
        "name": name,
        "rows": evaluation.rows,
        "positives": evaluation.positives,
        "form": fitted.model.chosen.split(",")[0],
        "model": {metric: _bounds(evaluation.model[metric]) for metric in _METRICS},
        "over": {
            rival: {metric: _bounds(better[metric]) for metric in _METRICS}
            for rival, better in evaluation.improvements.items()
        },
    }


def _bounds(estimate: Any) -> list[float | None]:
    numbers = (estimate.value, estimate.low, estimate.high)
    return [None if np.isnan(number) else float(number) for number in numbers]


def _of_truth(one: ContactSet, fitted: ContactModel) -> dict[str, float]:
    """Return the share of the learnable log loss, and of the oracle's value, on new customers."""
    assert one.new is not None
    assert one.truth is not None
    assert one.values is not None
    names = [f"offer {place}" for place in range(one.truth.shape[1])]
    scores = fitted.score_offers(one.new, names).to_numpy()
    rate = np.full(scores.shape, one.truth.mean())
    losses = {
        name: _expected_loss(p, one.truth) for name, p in {"model": scores, "rate": rate, "truth": one.truth}.items()
    }
    rows = np.arange(len(scores))
    got = (one.truth * one.values)[rows, (scores * one.values).argmax(axis=1)].sum()
    return {
        "share_of_learnable": (losses["rate"] - losses["model"]) / (losses["rate"] - losses["truth"]),
        "share_of_oracle": float(got / (one.truth * one.values).max(axis=1).sum()),
    }


def _expected_loss(probability: np.ndarray, truth: np.ndarray) -> float:
    accepted, refused = np.ones(truth.shape), np.zeros(truth.shape)
    return float((truth * log_losses(probability, accepted) + (1.0 - truth) * log_losses(probability, refused)).mean())


def _speed(rows: int) -> Mapping[str, Any]:
    one = synthetic(f"{rows:,} rows, 20 offers", rows, 20, features=80)
    started, cpu = time.perf_counter(), time.process_time()
    fitted = fit_contacts(one.frame, one.columns, training=Training(segments=()))
    measured = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    return {"rows": rows, "features": 80, "load_average": os.getloadavg()[0], **measured, **_of_truth(one, fitted)}


if __name__ == "__main__":
    with threadpool_limits(1, user_api="blas"):
        main()
