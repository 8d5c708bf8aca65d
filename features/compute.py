"""Compute features of any customers as of any moments from their events: the only entry point to the kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from features.catalogue import FeatureDefinitions
from features.compiled_features import compile_features
from features.inputs import coded_moments, history_of
from features.journey.lifecycle import stages_at
from features.kernel.gather import gather
from features.moments import Moments
from features.table import FeatureTable


def compute_features(
    events: pa.Table,
    moments: Moments,
    definitions: FeatureDefinitions,
    names: Sequence[str] | None = None,
    stages: pa.Table | None = None,
) -> FeatureTable:
    """Compute features point in time: nothing that became available at or after a moment counts for it.

    Args:
        events: The contract's columns, at least `EVENT_COLUMNS`; all events of the customers. Fastest if sorted by
            customer and time, as in the log; not changed.
        moments: Customers and moments, in any order, with repetitions.
        definitions: The bank's feature definitions.
        names: Requested features, in order; only what they need is computed. All if None.
        stages: `stage_history` of these customers up to the last moment or later, if already known.

    Returns:
        Rows in the order of `moments`. Without visible events, counts, sums and distinct days are 0, everything else
        is NULL, and there is no stage.

    Raises:
        DataError: For an unknown feature, a missing column, or a moment outside the calendar.
    """
    program = compile_features(definitions.catalogue, None if names is None else tuple(names))
    schema = {name: definitions.catalogue.features[name].type for name in program.names}
    as_of = moments.as_of.astype("datetime64[us]")
    if not len(moments):
        return FeatureTable(moments.customer_ids, as_of, {name: np.empty(0) for name in schema}, schema)
    history = history_of(events, definitions.calendar, before=as_of.max(), customer_ids=moments.customer_ids)
    coded = coded_moments(history, moments)
    # in order of customer and time, so that searches and gathers pass through memory once
    order = None if coded.is_in_order else np.lexsort((coded.as_of, coded.customer))
    in_order = coded if order is None else coded.take(order)
    kept = gather(program.plan, history, in_order)
    in_stage = (
        stages_at(history, in_order, definitions.catalogue, definitions.journey, stages) if program.needs_stage else {}
    )
    columns = program.columns(kept, in_order, in_stage, definitions.calendar)
    if order is not None:
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        columns = {name: values.take(back) for name, values in columns.items()}
    return FeatureTable(moments.customer_ids, as_of, columns, schema)
