"""Writes training sets with labels to Parquet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from domain.errors import StateError
from features.table import AS_OF, CUSTOMER_ID
from nbo.api.bank import Bank
from pipelines.training_sets import read_moments
from storage.atomic import replacing
from wiring.components import Components


def write_labelled(components: Components, model: str, moments_file: Path | None, file: Path) -> dict[str, object]:
    """Write features with the label of a model to a Parquet file.

    Args:
        components: The bank's components.
        model: `churn` or `propensity`.
        moments_file: Customers and moments, as for `read_moments`; None for the model's own.
        file: New Parquet file.

    Returns:
        Counts of rows, of rows whose label is known, and of columns, and the file.

    Raises:
        DataError: There is no such model, or the moments cannot be used.
        StateError: The file exists or cannot be written.
    """
    if file.exists():
        raise StateError(f"{file} exists", expected="a new file", remedy="name another, or remove it")
    frame = Bank(components).training_set(model, moments=_read(components, moments_file))
    label = "churned" if model == "churn" else "accepted"
    try:
        with replacing(file) as beside:
            frame.to_parquet(beside, index=False)
    except OSError as error:
        raise StateError(
            f"the training set could not be written to {file}",
            got=error.strerror or str(error),
            remedy="name a file in a folder that is writable",
        ) from error
    known = int(frame[label].notna().sum())
    return {"rows": len(frame), f"rows with `{label}`": known, "columns": len(frame.columns), "file": str(file)}


def _read(components: Components, file: Path | None) -> pd.DataFrame | None:
    if file is None:
        return None
    moments = read_moments(file, components.bank.identity.time_zone)
    as_of = pd.to_datetime(moments.as_of, utc=True)
    return pd.DataFrame({CUSTOMER_ID: moments.customer_ids, AS_OF: as_of})
