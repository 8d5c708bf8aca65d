"""Point-in-time features of Spark tables: for events outside nbo's log, and any number of moments."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions
from pyspark.sql.pandas.types import from_arrow_schema

from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments
from features.store.parts import plain_table
from features.table import AS_OF, CUSTOMER_ID

_GROUP = "nbo_group"


def features_of_tables(
    events: DataFrame,
    moments: DataFrame,
    definitions: FeatureDefinitions,
    *,
    names: tuple[str, ...] | None = None,
    groups: int = 256,
) -> DataFrame:
    """Compute the same as `compute_features`, group by group of customers, with `cogroup.applyInArrow`.

    Both tables are shuffled once by customer, the events only with the columns that features need; no event is ever
    joined to a moment. nbo's own log is already in buckets of customers and needs no shuffle: see
    `features.point_in_time`.

    Args:
        events: At least `EVENT_COLUMNS`, in any order: ids, type, channel and product as strings, `occurred_at` and
            `available_at` as timestamps, `amount` as double, `properties` as map of strings.
        moments: `customer_id` and `as_of`, in any order, with repetitions.
        definitions: The bank's feature definitions.
        names: Requested features; all if None.
        groups: Number of groups of customers; a group has to fit a task's memory, at about 1 kB an event.

    Returns:
        One row for each moment, in any order: `customer_id`, `as_of` and the features. NULL stays NULL, categories
        are strings.
    """

    def compute(of_customers: pa.Table, of_moments: pa.Table) -> pa.Table:
        wanted = Moments(
            of_moments.column(CUSTOMER_ID).to_numpy().astype(object),
            of_moments.column(AS_OF).cast(pa.timestamp("us", "UTC")).to_numpy().astype("datetime64[us]"),
        )
        return plain_table(compute_features(of_customers, wanted, definitions, names))

    group = functions.pmod(functions.xxhash64(CUSTOMER_ID), functions.lit(groups)).alias(_GROUP)
    grouped_events = events.select(*EVENT_COLUMNS, group).groupBy(_GROUP)
    grouped_moments = moments.select(CUSTOMER_ID, AS_OF, group).groupBy(_GROUP)
    nobody = Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    no_rows = compute_features(pa.table({}), nobody, definitions, names)
    schema = from_arrow_schema(plain_table(no_rows).schema)
    return grouped_events.cogroup(grouped_moments).applyInArrow(compute, schema)
