"""Logs one training as one MLflow run: facts, metrics, tables, plots and the model's files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from mlflow.entities import Metric, Param, RunTag

from domain.cells import harmless
from domain.offer import Offer
from models.comparison import recorded_predictions
from models.evaluation.evaluation import Evaluation
from models.gate import GateReport
from models.held_out import HeldOutPredictions
from models.tracking.context import describe_experiment, gate_table, log_data, log_folds
from models.tracking.feature_tags import feature_tags
from models.tracking.files import PREDICTIONS_FILE
from models.tracking.logged_model import ModelWithFiles, log_model
from models.tracking.store import TrackingStore, quiet_mlflow

_METRICS_AT_ONCE = 500
"""Metrics per call; MLflow accepts at most 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Data, code and settings that a model was trained with.

    Attributes:
        model: `churn` or `propensity`.
        feature_service: Name of the Feast service with its features.
        data_digest: Digest of the event log.
        data_first: Earliest event.
        data_last: Latest moment at which an event became available.
        git_revision: Result of `git_revision`.
        bank_digest: Digest of the bank's configuration.
        experiment: Name of the experiment, if it was trained for one.
        features: Names of the features that it may use.
        offers: Offers that a propensity model scores.
        rows: Number of rows that the model was trained on.
        parameters: All settings: label, training, learner, gate.
    """

    bank: str
    model: str
    feature_service: str
    data_digest: str
    data_first: datetime
    data_last: datetime
    git_revision: str
    bank_digest: str
    experiment: str | None = None
    features: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    rows: int = 0
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of experiment and registered model, such as `demo-churn`."""
        return f"{self.bank}-{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRun:
    """A finished run.

    Attributes:
        name: Name of experiment and registered model.
        source: Address of the model's files.
        digest: Digest of the files that `to_files` wrote.
        data_last: End of the model's training data.
        description: What the run found, and the gate's checks as a table.
        experiment: Name of the experiment, if it was trained for one.
    """

    name: str
    run_id: str
    model_id: str
    source: str
    digest: str
    data_last: datetime
    gate_passed: bool
    description: str = ""
    experiment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFindings:
    """What is known of a model once it is evaluated.

    Attributes:
        held_out: Held-out predictions, stored so that a later challenger can be compared row by row.
        evaluation: Evaluation of `held_out`.
        report: Report of the gate.
        pictures: File name -> PNG, from `draw_all`.
        single_features: Feature -> its AUC alone.
        importance: Feature -> its mean absolute SHAP value.
    """

    held_out: HeldOutPredictions
    evaluation: Evaluation
    report: GateReport
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    single_features: Mapping[str, float] | None = None
    importance: Mapping[str, float] | None = None


def log_run(store: TrackingStore, facts: RunFacts, model: ModelWithFiles, found: RunFindings) -> LoggedRun:
    """Log everything about one training; if that fails, the run is marked as failed.

    Args:
        store: Tracking store.
        facts: Data, code and settings of the training.
        model: Model fitted on everything.
        found: What is known of the model.
    """
    held_out, evaluation, report = found.held_out, found.evaluation, found.report
    experiment = store.experiment_id(facts.name)
    describe_experiment(store, experiment, facts.bank, facts.model)
    client = store.client
    with quiet_mlflow():
        run_id = client.create_run(experiment, tags=_tags(facts, report), run_name=_run_name(facts)).info.run_id
        try:
            with TemporaryDirectory() as folder:
                # before the metrics, which MLflow would otherwise copy to the model one by one
                model_id, source, digest = log_model(store, run_id, (facts.name, facts.model), model, facts.offers)
                files = Path(folder) / "files"
                _write_tables(files, found)
                _write_pictures(files / "pictures", found.pictures)
                pq.write_table(recorded_predictions(held_out), files / PREDICTIONS_FILE, compression="zstd")
                client.log_artifacts(run_id, str(files))
            _log_numbers(store, run_id, facts, evaluation)
            log_data(store, run_id, facts, model.schema, held_out)
            log_folds(store, run_id, facts.model, evaluation)
            client.set_terminated(run_id, "FINISHED")
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
    return LoggedRun(
        description=f"{_note(facts, evaluation)}\n\n{gate_table(report)}",
        name=facts.name,
        run_id=run_id,
        model_id=model_id,
        source=source,
        digest=digest,
        data_last=facts.data_last,
        gate_passed=report.passed,
        experiment=facts.experiment,
    )


def _run_name(facts: RunFacts) -> str:
    return facts.experiment or f"{facts.model} {facts.data_last:%Y-%m-%d} {facts.data_digest[:8]}"


def _tags(facts: RunFacts, report: GateReport) -> dict[str, str]:
    return {
        "bank": facts.bank,
        "model": facts.model,
        "feature_service": facts.feature_service,
        "data_digest": facts.data_digest,
        "bank_digest": facts.bank_digest,
        "git_revision": facts.git_revision,
        "mlflow.source.name": "nbo train",
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": facts.git_revision.removesuffix("-dirty"),
        "gate": "passed" if report.passed else "failed",
        "gate_failures": "; ".join(report.failures)[:4_000],
        **({} if facts.experiment is None else {"experiment": facts.experiment}),
        **feature_tags(facts.features),
    }


def _write_tables(folder: Path, found: RunFindings) -> None:
    tables = folder / "tables"
    tables.mkdir(parents=True)
    for name, table in found.evaluation.to_tables().items():
        table.map(harmless).rename(columns=harmless).to_csv(tables / f"{name}.csv", index=False)
        table.to_json(tables / f"{name}.json", orient="records", indent=1, double_precision=10)
    for name, values in (("single_features", found.single_features), ("importance", found.importance)):
        if values is not None:
            (tables / f"{name}.json").write_text(json.dumps(dict(values), indent=1), encoding="utf-8")
    (folder / "gate.json").write_text(json.dumps(found.report.to_json(), indent=1, allow_nan=False), encoding="utf-8")


def _write_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in pictures.items():
        (folder / name).write_bytes(content)


def _log_numbers(store: TrackingStore, run_id: str, facts: RunFacts, evaluation: Evaluation) -> None:
    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in evaluation.to_metrics().items()]
    parameters = {
        "data_first": facts.data_first.isoformat(),
        "data_last": facts.data_last.isoformat(),
        "test_first": evaluation.first.isoformat(),
        "test_last": evaluation.last.isoformat(),
        **facts.parameters,
    }
    texts = [Param(name, str(value)[:6_000]) for name, value in parameters.items()]
    tags = [RunTag("mlflow.note.content", _note(facts, evaluation))]
    store.client.log_batch(run_id, params=texts, tags=tags)
    for first in range(0, len(metrics), _METRICS_AT_ONCE):
        store.client.log_batch(run_id, metrics=metrics[first : first + _METRICS_AT_ONCE])


def _note(facts: RunFacts, evaluation: Evaluation) -> str:
    auc = evaluation.model["auc"]
    return (
        f"{facts.model} of {facts.bank}: AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}) on "
        f"{evaluation.rows:,} rows of {evaluation.customers:,} customers, {evaluation.positives:,} positives"
    )
