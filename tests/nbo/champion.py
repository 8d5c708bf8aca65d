"""A churn champion of a small bank: a real model with the bank's own features, fitted on made-up customers."""

from __future__ import annotations

import numpy as np

from expressions.types import Array, Boolean, Category
from features.table import FeatureTable
from models.churn.model import ChurnModel, fit_churn
from models.evaluation.evaluation import evaluate
from models.evaluation.pictures import draw_reliability
from models.gate import judge_challenger
from models.inputs import model_inputs
from models.registry import RegisteredModel
from models.settings import Gate, Training
from models.tracking.runs import RunFindings, log_run
from tests.models.evaluation.worlds import judged_world
from tests.models.tracking.builders import facts
from wiring.components import Components

ROWS, DAY = 400, np.timedelta64(86_400_000_000, "us")


def train_champion(components: Components, seed: int) -> RegisteredModel:
    """Fit a model, log its run, and put it in charge."""
    held_out = judged_world(rows=400)
    evaluation = evaluate(held_out, replicates=5)
    gate = Gate(minimum_positives=10, maximum_calibration_error=1.0)
    found = RunFindings(
        held_out=held_out, evaluation=evaluation,
        report=judge_challenger(evaluation, {"age": 0.6}, gate, champion=None),
        pictures={"reliability.png": draw_reliability(evaluation.reliability, components.name)},
        single_features={"age": 0.6}, importance={"age": 0.2},
    )  # fmt: skip
    run = log_run(components.models.store, facts(bank=components.name), _fitted(components, seed), found)
    registered = components.models.registry.register(run)
    components.models.registry.promote(registered)
    return registered


def _fitted(components: Components, seed: int) -> ChurnModel:
    random, names = np.random.default_rng(seed), model_inputs(components.bank.features)
    schema = {name: components.bank.features.schema[name] for name in names}
    columns: dict[str, Array] = {}
    for name, kind in schema.items():
        values = len(kind.values) if isinstance(kind, Category) else 2
        whole = isinstance(kind, Category | Boolean)
        columns[name] = random.integers(0, values, ROWS).astype(float) if whole else random.exponential(10.0, ROWS)
    as_of = np.datetime64("2025-01-01", "us") + np.arange(ROWS) % 8 * 30 * DAY
    customers = np.array([f"c{number // 8}" for number in range(ROWS)], dtype=object)
    y = (columns["days_since_activity"] > 10.0).astype(float)
    table = FeatureTable(customers, as_of, columns, schema)
    return fit_churn(table, y, names, Training(), known_at=as_of + 30 * DAY, num_threads=1)
