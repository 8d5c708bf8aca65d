"""A logged model as `mlflow.pyfunc.load_model` returns it: it scores a frame of features; no pickle is involved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from domain.errors import DataError
from domain.offer import Offer, Treatment
from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.table import FeatureTable
from models.learners import CHURN, read_model

OFFERS_FILE: Final = "offers.json"
"""Products, attributes and channels of the offers, beside the folder of the model's own files."""
OFFER: Final = "offer"
CHANNEL: Final = "channel"


@dataclass(frozen=True, slots=True)
class FrameScorer:
    """Scores frames: one row a customer, for propensity with the offer and its channel.

    Attributes:
        model: Any model that `read_model` returns.
        offers: The offers by name; none for churn.
    """

    model: Any
    offers: dict[str, Offer]

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.Series:  # names as MLflow passes them
        """Predict the probability of each row, with the frame's index.

        Args:
            model_input: Columns as in the model's signature.
            params: Not used.

        Raises:
            DataError: A column is missing, a value is of another kind, or an offer is not known.
        """
        del params
        table = _table(model_input, self.model.schema)
        if not self.offers:
            return pd.Series(self.model.predict(table), model_input.index, name=f"{CHURN}_probability")
        pairs = [self._candidate(*pair) for pair in zip(model_input[OFFER], model_input[CHANNEL], strict=True)]
        found = np.empty(len(table))
        for pair in {(offer.name, treatment.channel): (offer, treatment) for offer, treatment in pairs}.values():
            rows = np.flatnonzero([one == pair for one in pairs])
            found[rows] = self.model.predict(table.take(rows), [pair])[:, 0]
        return pd.Series(found, model_input.index, name="probability")

    def _candidate(self, name: str, channel: str) -> tuple[Offer, Treatment]:
        if name not in self.offers:
            raise DataError("the model does not know this offer", got=f"'{name}'", expected=", ".join(self.offers))
        return self.offers[name], Treatment(channel=channel, message="")


def _load_pyfunc(path: str) -> FrameScorer:
    """Read a model for MLflow, which calls the function of this name.

    Args:
        path: Folder of the model's own files.
    """
    folder = Path(path)
    offers = folder.parent / OFFERS_FILE
    content = json.loads(offers.read_text(encoding="utf-8")) if offers.exists() else []
    return FrameScorer(read_model(folder), {one["name"]: _offer(one) for one in content})


def write_offers(folder: Path, offers: Sequence[Offer]) -> None:
    """Write what scoring needs to know of offers beside a model's own files."""
    content = [{"name": one.name, "product": one.product, "attributes": dict(one.attributes)} for one in offers]
    (folder / OFFERS_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _offer(parts: dict[str, Any]) -> Offer:
    return Offer(
        name=parts["name"],
        product=parts["product"],
        attributes=parts["attributes"],
        description="",
        value="0",
        treatments=(),
        stages=(),
    )


def _table(frame: pd.DataFrame, schema: dict[str, ColumnType]) -> FeatureTable:
    missing = [name for name in schema if name not in frame.columns]
    if missing:
        raise DataError("the frame lacks columns", got=f"none called {', '.join(missing[:5])}", expected="as signed")
    columns = {name: _column(frame[name], name, kind) for name, kind in schema.items()}
    nobody = np.full(len(frame), "", dtype=object)
    return FeatureTable(nobody, np.full(len(frame), np.datetime64(0, "us")), columns, schema)


def _column(values: pd.Series, name: str, kind: ColumnType) -> Array:
    """Convert a column to numbers; a category that training did not know is missing."""
    try:
        match kind:
            case Category(known):
                places = {value: float(place) for place, value in enumerate(known)}
                return np.array([places.get(str(value), np.nan) for value in values], dtype=np.float64)
            case Boolean() | Number():
                return np.asarray(values.astype("Float64").to_numpy(np.float64, na_value=np.nan), np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column '{name}' is of another kind", got=str(error), expected=str(kind)) from error
