"""What a run tells beside its metrics: its data, its folds as child runs, and what its experiment is."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Final

import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag

from expressions.types import ColumnType
from models.evaluation.evaluation import Evaluation
from models.gate import GateReport
from models.held_out import MODEL, HeldOutPredictions
from models.tracking.store import TrackingStore

if TYPE_CHECKING:
    from models.tracking.runs import RunFacts

PARENT_TAG: Final = "mlflow.parentRunId"
_PREDICTS: Final = {
    "churn": "the probability that a customer leaves within the horizon",
    "propensity": "the probability that an offer presented in a channel is accepted within its response window",
}


def describe_experiment(store: TrackingStore, experiment: str, bank: str, model: str) -> None:
    """Say what the runs of an experiment are, and let MLflow's pages show them as trainings."""
    known = store.client.get_experiment(experiment).tags
    wanted = {
        "mlflow.note.content": f"Trainings of bank {bank}'s {model} model: {_PREDICTS.get(model, model)}.",
        "mlflow.experimentKind": "custom_model_development",
    }
    for key, value in wanted.items():
        if key not in known:
            store.client.set_experiment_tag(experiment, key, value)


def log_data(
    store: TrackingStore, run_id: str, facts: RunFacts, schema: dict[str, ColumnType], held_out: HeldOutPredictions
) -> None:
    """Log what the model was trained and judged on as data sets, with digest, schema and counts."""
    source = {"event_log": facts.data_digest, "bank": facts.bank_digest, "until": facts.data_last.isoformat()}
    columns = [{"name": name, "type": type(kind).__name__.lower(), "required": True} for name, kind in schema.items()]
    sets = {
        "training": {"rows": facts.rows, "first": facts.data_first.isoformat(), "last": facts.data_last.isoformat()},
        "evaluation": {
            "rows": len(held_out),
            "positives": int(held_out.y.sum()),
            "folds": int(held_out.fold.max()) + 1,
        },
    }
    inputs = []
    for context, profile in sets.items():
        content = json.dumps([source, columns, profile], sort_keys=True)
        dataset = Dataset(
            name=f"{facts.name} {context}",
            digest=hashlib.sha256(content.encode()).hexdigest()[:32],
            source_type="nbo",
            source=json.dumps(source),
            schema=json.dumps({"mlflow_colspec": columns}),
            profile=json.dumps(profile),
        )
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    store.client.log_inputs(run_id, inputs)


def log_folds(store: TrackingStore, run_id: str, model: str, evaluation: Evaluation) -> None:
    """Log the model's metrics on each fold as a child run."""
    client, now = store.client, int(time.time() * 1000)
    experiment = client.get_run(run_id).info.experiment_id
    table = evaluation.to_tables()["folds"]
    for fold, rows in table[table["score"] == MODEL].groupby("fold"):
        tags = {PARENT_TAG: run_id, "fold": str(fold)}
        child = client.create_run(experiment, tags=tags, run_name=f"{model} fold {fold}").info.run_id
        first = rows.iloc[0]
        metrics = [
            Metric(str(row["metric"]), float(row["value"]), now, 0)
            for row in rows.to_dict("records")
            if pd.notna(row["value"])
        ]
        metrics += [Metric(name, float(first[name]), now, 0) for name in ("rows", "positives") if name in rows]
        note = f"Fold {fold}: tested from {first.get('first')} to {first.get('last')}"
        client.log_batch(child, metrics=metrics, tags=[RunTag("mlflow.note.content", note)])
        client.set_terminated(child, "FINISHED")


def gate_table(report: GateReport) -> str:
    """Return the checks of the gate as a Markdown table."""
    lines = ["| check | value | bound | result |", "|---|---|---|---|"]
    for check in report.checks:
        verdict = "passed" if check.passed else "FAILED"
        lines.append(f"| {check.name} | {check.value:.4g} | {check.bound:.4g} | {verdict}: {check.sentence} |")
    return "\n".join(lines)
