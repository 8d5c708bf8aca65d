"""Conversion between pandas frames and feature tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.errors import DataError
from expressions.types import Array, Schema
from features.table import AS_OF, CUSTOMER_ID, FeatureTable


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
