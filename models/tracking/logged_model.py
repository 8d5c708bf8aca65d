"""Logs a model in MLflow: its own files, a signature, an example, and flavours that load it without pickle."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import pandas as pd
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from domain.offer import Offer
from expressions.types import Category, ColumnType, Number
from models.tracking.files import FILES_FOLDER, files_digest
from models.tracking.scorer import CHANNEL, OFFER, write_offers
from models.tracking.store import TrackingStore

_SCORER = "models.tracking.scorer"


class ModelWithFiles(Protocol):
    """A model that can be logged: files that describe it completely. One with trees has them as `booster`."""

    @property
    def schema(self) -> dict[str, ColumnType]:
        """Features that the model reads, and their types."""

    def to_files(self, folder: Path) -> None:
        """Write everything as text and JSON."""


def log_model(
    store: TrackingStore, run_id: str, names: tuple[str, str], model: ModelWithFiles, offers: Sequence[Offer]
) -> tuple[str, str, str]:
    """Log a model of a run.

    Args:
        store: Tracking store.
        run_id: The run.
        names: Name of the registered model, and what it predicts.
        model: The model.
        offers: Offers that a propensity model scores; none for churn.

    Returns:
        Its id, the address of its files, and the digest of its own files.
    """
    client = store.client
    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment, name=names[0], source_run_id=run_id, model_type=names[1])
    described = Model(
        artifact_path=logged.artifact_location, model_uuid=logged.model_id, run_id=run_id, model_id=logged.model_id
    )
    described.signature = signature_of(model.schema, with_offers=bool(offers))
    with TemporaryDirectory() as beside:
        folder = Path(beside) / "model"
        _write(folder, described, model, offers)
        digest = files_digest(folder / FILES_FOLDER)
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id), str(logged.artifact_location), digest


def _write(folder: Path, described: Model, model: ModelWithFiles, offers: Sequence[Offer]) -> None:
    import mlflow.pyfunc  # warns about one of its own classes on first import, which the caller keeps quiet

    booster = getattr(model, "booster", None)
    requirements = [f"lightgbm=={version('lightgbm')}", f"numpy=={np.__version__}", f"pandas=={pd.__version__}"]
    if booster is not None:  # also as LightGBM's own, for its tools
        mlflow.lightgbm.save_model(booster, str(folder), mlflow_model=described, pip_requirements=requirements)
    model.to_files(folder / FILES_FOLDER)
    if offers:
        write_offers(folder, offers)
    example = example_of(model.schema, offers)
    (folder / "input_example.json").write_text(example.to_json(orient="split", index=False), encoding="utf-8")
    described.saved_input_example_info = {
        "artifact_path": "input_example.json",
        "type": "dataframe",
        "pandas_orient": "split",
    }
    described.flavors.pop(mlflow.pyfunc.FLAVOR_NAME, None)
    environment = {} if booster is None else {"conda_env": "conda.yaml", "python_env": "python_env.yaml"}
    mlflow.pyfunc.add_to_model(described, loader_module=_SCORER, data=FILES_FOLDER, **environment)
    described.save(str(folder / "MLmodel"))


def signature_of(schema: dict[str, ColumnType], *, with_offers: bool) -> ModelSignature:
    """Return the columns that the model reads, and the probability that it returns."""
    inputs: list[Any] = [ColSpec(_type(kind), name, required=True) for name, kind in schema.items()]
    if with_offers:
        inputs += [ColSpec(DataType.string, name) for name in (OFFER, CHANNEL)]
    return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.double)]))


def _type(kind: ColumnType) -> Any:
    # a yes/no with missing values and a text with unknown ones are of no type that MLflow could enforce
    return DataType.double if isinstance(kind, Number) else AnyType()  # type: ignore[no-untyped-call]


def example_of(schema: dict[str, ColumnType], offers: Sequence[Offer]) -> pd.DataFrame:
    """Return a row that shows the kinds of the columns; it is nobody's."""
    row: dict[str, list[Any]] = {}
    for name, kind in schema.items():
        row[name] = [kind.values[0]] if isinstance(kind, Category) else [1.0] if isinstance(kind, Number) else [True]
    if offers:
        channels = [treatment.channel for treatment in offers[0].treatments]
        row |= {OFFER: [offers[0].name], CHANNEL: [channels[0] if channels else ""]}
    return pd.DataFrame(row)
