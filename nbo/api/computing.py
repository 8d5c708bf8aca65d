"""Computation of the tables of `nbo.api` from the event log, Feast and the decision log, as pandas frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import DataError
from expressions.types import Array, Schema
from features.bucket.current import MidnightFeatures
from features.moments import Moments
from features.point_in_time import write_features
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from models.comparison import row_keys
from pipelines.training_population import answers_to_offers, churn_moments, churned
from pipelines.training_sets import moments_of
from wiring.components import Components


def frame_of(table: FeatureTable) -> pd.DataFrame:
    """Convert features to a frame: customer_id, as_of, numbers as floats, yes/no as `boolean`, names as `category`."""
    frame: pd.DataFrame = table.to_arrow().to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame


def table_of(frame: pd.DataFrame, schema: Schema) -> FeatureTable:
    """Convert a frame as returned by `frame_of` to features; additional columns are ignored.

    Raises:
        DataError: A column is missing or of another kind.
    """
    missing = [name for name in (CUSTOMER_ID, AS_OF, *schema) if name not in frame.columns]
    if missing:
        raise DataError(
            f"the frame lacks {len(missing)} columns",
            got=f"none called {', '.join(missing[:5])}",
            expected="customer_id, as_of and the features that the model reads",
            remedy="take a frame of bank.features or bank.training_set, with all its columns",
        )
    wanted = frame[[CUSTOMER_ID, AS_OF, *schema]]
    try:
        return FeatureTable.from_arrow(pa.Table.from_pandas(wanted, preserve_index=False), schema)
    except pa.ArrowException as error:
        raise DataError(
            "a column of the frame is of another kind than the feature",
            got=str(error),
            expected="as bank.features has it",
        ) from error


def yes_or_no(y: Array, index: pd.Index | None = None) -> pd.Series:
    """Convert 1.0 to true, 0.0 to false and NaN to missing."""
    return pd.Series(pd.arrays.BooleanArray(y == 1.0, np.isnan(y)), index)


_KEY = [CUSTOMER_ID, AS_OF]


def features_of_everybody(components: Components, names: Sequence[str]) -> pd.DataFrame:
    """Compute all customers' features as of the last midnight with events, from its states if they are there."""
    midnight = components.midnight(components.latest())
    tables = [
        MidnightFeatures(components.bank.feature_definitions, components.log, components.states)
        .of_bucket(bucket, midnight)[0]
        .select(names)
        for bucket in range(components.log.buckets)
    ]
    return frame_of(FeatureTable.concatenate(tables))


def features_at_moments(components: Components, moments: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Compute the features of moments with the bank's engine, in the order of the moments."""
    requested, catalogue = _moments(components, moments), components.bank.features
    with TemporaryDirectory(dir=components.places.folder, prefix=".features-") as beside:
        folder = components.places.folder / beside / "features"
        write_features(
            components.log,
            requested,
            components.bank.feature_definitions,
            folder,
            engine=components.engine,
            names=names,
        )
        written = pq.read_table(folder)
    computed = frame_of(FeatureTable.from_arrow(written, {name: catalogue.schema[name] for name in names}))
    wanted = frame_of(FeatureTable(requested.customer_ids, requested.as_of, {}, {}))
    return wanted.merge(computed.drop_duplicates(_KEY), on=_KEY, how="left", validate="many_to_one")


def churn_set(components: Components, until: datetime, names: Sequence[str] | str) -> pd.DataFrame:
    """Join features to the anchors of the churn label's population."""
    moments = churn_moments(components, until)
    frame = frame_of(components.offline.training_set(moments, names))
    frame.insert(len(frame.columns), "churned", yes_or_no(churned(components, moments, until)))
    return frame


def propensity_set(components: Components, until: datetime, names: Sequence[str] | str) -> pd.DataFrame:
    """Join features to the moments at which offers were presented."""
    answers = answers_to_offers(components, until)
    frame = frame_of(components.offline.training_set(answers.moments, names))
    accepted = yes_or_no(np.where(answers.matured, answers.accepted.astype(np.float64), np.nan))
    for name, values in (
        ("offer", answers.offer),
        ("channel", answers.channel),
        ("decision_id", answers.decision_id),
        ("accepted", accepted),
    ):
        frame.insert(len(frame.columns), name, pd.Series(values))
    return frame


def churned_after(components: Components, moments: pd.DataFrame, until: datetime) -> pd.Series:
    """Return who churned after moments, as known at `until`."""
    y = churned(components, _moments(components, moments), until)
    return yes_or_no(y, moments.index).rename("churned")


def keys_of(components: Components, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Compute the keys by which a run identifies its test rows, for the rows of a training set."""
    moments = _moments(components, rows)
    groups = {name: rows[name].to_numpy(dtype=object) for name in ("offer", "channel") if name in rows.columns}
    return row_keys(moments.customer_ids, moments.as_of, groups)


def listed_decisions(components: Components, since: datetime, until: datetime) -> pd.DataFrame:
    """List the decisions made from `since` until `until`."""
    found = components.decision_log.between(since, until).rename_columns({"content": "versions"})
    as_of = found["as_of"].cast(pa.timestamp("us", "UTC"))
    frame: pd.DataFrame = found.set_column(found.column_names.index(AS_OF), AS_OF, as_of).to_pandas()
    return frame.drop(columns=["seed", "part"])


def _moments(components: Components, moments: pd.DataFrame) -> Moments:
    table = pa.Table.from_pandas(moments, preserve_index=False)
    return moments_of(table, components.bank.identity.time_zone, "the frame")
